"""
The conformance kit.
"""
