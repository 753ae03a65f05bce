"""Fuzzing of each parser of strangers' bytes, by coverage; `make fuzz`."""
