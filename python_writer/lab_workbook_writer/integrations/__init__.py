"""
Loggers for frameworks: a line in a training script that exists already.

>>> from lab_workbook_writer.integrations.lightning import LabWorkbookLogger
>>> trainer = Trainer(logger=LabWorkbookLogger())

Each module here needs its framework and imports no other; nothing of ours imports one before you do.
"""
