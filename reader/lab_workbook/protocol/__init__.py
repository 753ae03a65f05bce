"""
The protocol's rules in Python, shared by the writer, the uploader and the reader.

Everything here uses the standard library only and keeps no state: constants in `_spec`, and one
module for each topic of ``spec/v1/SPEC.md``.
"""
