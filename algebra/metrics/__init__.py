"""The metrics, one file each, called after its metric; `METRICS` loads a file when somebody asks for what it holds.

A file whose name begins with an underscore is no metric.
"""
