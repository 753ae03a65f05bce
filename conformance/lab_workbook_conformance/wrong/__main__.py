"""`python -m lab_workbook_conformance.wrong [NAME]`: the right adapter, or the wrong one of that name."""

from __future__ import annotations

from lab_workbook_conformance.wrong import player

if __name__ == "__main__":
    player.main()
