"""`python -m lab_workbook_conformance.wrong [NAME]`: the right adapter, or the wrong one of that name."""

from __future__ import annotations

import sys

from lab_workbook_conformance.wrong import player, table


def main(name: str | None) -> None:
    """Answer as the wrong one of this name does, or as the right one."""
    if name is None:
        player.main()
        return
    wrong = table.load().get(name)
    if wrong is None:
        sys.exit(f"there is no wrong one named {name}; there are:\n" + "\n".join(table.WRONG))
    with wrong.in_place():
        player.main()


if __name__ == "__main__":
    main(next(iter(sys.argv[1:]), None))
