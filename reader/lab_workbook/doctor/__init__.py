"""
Will recording work here, and if not, why? ``lab-workbook doctor`` asks.

>>> for finding in doctor.examine(config.load()):
...     print(finding.level.value, finding.text)
ok s3://lab/exp/ is named by ~/.lab-workbook-config

It does what a writer would do, with a small object of its own under the prefix, and takes it away
again where it may. Its key has no slash below the prefix, so that no listing takes it for an experiment.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lab_workbook import config
from lab_workbook.doctor.finding import Finding, Level

__all__ = ["Finding", "Level", "examine"]


def examine(settings: config.Config, sources: Mapping[str, str]) -> Iterator[Finding]:
    """Look at everything that a writer with these settings needs; ``sources`` is `config.sources`."""
    place = settings.bucket_prefix
    origin = sources.get("bucket_prefix", "nothing else: it is the default")
    yield Finding("configuration", Level.OK, f"{place} is named by {origin}")
    if config.is_disabled():
        yield Finding("disabled", Level.WARNING, "LAB_WORKBOOK_DISABLED is set: writers record nothing")
    if place.kind == "folder":
        from lab_workbook.doctor import folder

        yield from folder.examine(place.path)
        return
    from lab_workbook.doctor import bucket, spool

    yield from bucket.examine(settings)
    for path in config.spool_dirs(settings):
        yield from spool.examine(path)
