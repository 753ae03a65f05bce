"""
What was known of each experiment when it was last looked at, in one file of the cache.

An experiment whose files are listed with the versions that they had then need not be opened again. The
file can be lost at any time: then everything is read once more.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final

from lab_workbook.overview import facts
from lab_workbook.overview.facts import Facts
from lab_workbook.overview.listing import Listed
from lab_workbook.protocol import _spec, jsontext
from lab_workbook.store.cache_folder import CacheFolder

# To be raised when `Facts` or a summary means something else, so that nobody reads an old one as a new one.
_FORMAT: Final = 4


class Catalogue:
    """Facts and summaries by tag, of the experiments under one prefix, whose URL is ``where``."""

    def __init__(self, folder: CacheFolder, where: str) -> None:
        self._folder = folder
        self._name = f"catalogue {_FORMAT} of {where}"
        self._has_changed = False
        copy = folder.get(self._name)
        self._known: dict[str, Any] = {} if copy is None else jsontext.decode(copy.data)

    def facts(self, listed: Listed) -> Facts | None:
        """Return what is known of an experiment, if nothing of it has changed since."""
        known = self._known.get(listed.tag)
        if known is None or known["files"] != _versions(listed):
            return None
        return facts.restored(known["facts"])

    def sealed(self, listed: Listed) -> tuple[str, Facts] | None:
        """
        Return what is known of an experiment that is listed as it was before it ended.

        The first is the version of its end.json. If that is still there, the listing is an older one.
        """
        files = self._known.get(listed.tag, {}).get("files", {})
        if _spec.LAYOUT_END not in files or _spec.LAYOUT_END in listed.files:
            return None
        found = facts.restored(self._known[listed.tag]["facts"])
        return None if found is None else (files[_spec.LAYOUT_END], found)

    def remember(self, listed: Listed, found: Facts) -> None:
        """Keep what was found, if it will show when it changes."""
        versions = _versions(listed)
        if all(versions.values()):
            self._known[listed.tag] = {"files": versions, "facts": found, "series": {}}
            self._has_changed = True

    def summary(self, tag: str, name: str, version: str) -> dict[str, Any] | None:
        """Return the summary of a series, if the series has not changed since."""
        known: tuple[str, dict[str, Any]] = self._known.get(tag, {}).get("series", {}).get(name, ("", {}))
        return known[1] if version and known[0] == version else None

    def remember_summary(self, tag: str, name: str, version: str, summary: dict[str, Any]) -> None:
        """Keep the summary of a series, if it will show when it changes."""
        if version and tag in self._known:
            self._known[tag]["series"][name] = (version, summary)
            self._has_changed = True

    def save(self, tags: Iterable[str]) -> None:
        """Write down what is known of these experiments, and forget the others."""
        kept = {tag: self._known[tag] for tag in tags if tag in self._known}
        if self._has_changed or len(kept) < len(self._known):
            self._folder.put(self._name, "", 0.0, json.dumps(kept).encode())
            self._known, self._has_changed = kept, False


def _versions(listed: Listed) -> dict[str, str]:
    return {name: entry.etag for name, entry in listed.facts().items()}
