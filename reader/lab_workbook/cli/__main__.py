"""``python -m lab_workbook.cli`` is ``lab-workbook``."""

from lab_workbook.cli import main

main(prog_name="lab-workbook")
