"""What a workbook records of the world around it: the source's state, and objects of other libraries."""
