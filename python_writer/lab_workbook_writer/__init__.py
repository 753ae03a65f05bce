"""The Python writer and the uploader; users reach them as `lab_workbook.new_experiment`."""
