"""Record machine-learning experiments as plain files, and read them back as pandas."""
