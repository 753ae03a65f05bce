"""The checks of a ``file://`` prefix."""

from __future__ import annotations

import os
from collections.abc import Iterator

from lab_workbook.doctor import disk
from lab_workbook.doctor.finding import Finding, Level


def examine(path: str) -> Iterator[Finding]:
    """Look at a folder that experiments are written into."""
    found = disk.writable("writable", path)
    yield found
    if found.level is Level.OK:
        yield _links(disk.existing(path))
        yield disk.space("space", path)


def _links(folder: str) -> Finding:
    """Say whether hard links work, by which a tag is claimed in one step."""
    with disk.probe(folder) as path:
        try:
            os.link(path, path + ".link")
        except OSError:
            text = "has no hard links: tags are claimed by exclusive creation, which old NFS does not keep"
            return Finding("links", Level.NOTE, f"{folder} {text}")
        os.unlink(path + ".link")
    return Finding("links", Level.OK, "hard links work: a tag is claimed in one step")
