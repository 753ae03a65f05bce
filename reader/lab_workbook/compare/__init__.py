"""Several experiments: `meld` puts curves side by side, `stitch` attempts in a row, `diff` shows changes."""
