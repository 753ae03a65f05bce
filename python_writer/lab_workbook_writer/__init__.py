"""The Python writer and the uploader; users reach them as `lab_workbook.new_experiment`."""

from typing import Final

# The version of the package, kept here because importlib.metadata costs more than a whole new_experiment.
__version__: Final = "1.1.0"
WRITER: Final = f"lab-workbook-python {__version__}"
