"""
`make bench-reading`: what it costs to read what is there.

Series are measured beside pandas, in CPU, and the table of all experiments beside bare parallel GETs.
"""

from __future__ import annotations

import sys

from benchmarks import __main__, table

# Those of `benchmarks` that read, each with a function `run`.
MODULES = ("reading", "growing", "melding")

if __name__ == "__main__":
    __main__.main(MODULES)
    table.main(*map(int, sys.argv[1:]))
