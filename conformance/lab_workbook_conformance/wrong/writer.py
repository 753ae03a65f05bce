"""The writer: what a script calls. Misuse raises Refused; what the disk refuses is counted, never raised."""

from __future__ import annotations

import hashlib
import json
import platform
import re
import secrets
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from lab_workbook_conformance.constants import SPEC
from lab_workbook_conformance.wrong import exits, git, names, process, remote, settings, spelling
from lab_workbook_conformance.wrong.bucket import Bucket
from lab_workbook_conformance.wrong.errors import Refused
from lab_workbook_conformance.wrong.store import Folder, Store

_LAYOUT, _LOSS, _OUTCOME = SPEC["layout"], SPEC["loss"], SPEC["outcome"]


def new_experiment(options: Mapping[str, Any]) -> Workbook:
    """Start an experiment: claim its tag, before anything else is written."""
    tag = options.get("tag")
    if tag is None:
        tag = names.fresh_tag()
    else:
        names.check_tag(tag)
    if settings.is_disabled():
        return Silence(tag)
    prefix = settings.location(settings.setting("bucketPrefix", options.get("bucketPrefix")))
    about = {key: options[key] for key in ("note", "resumes") if key in options}
    return Workbook(store(place(prefix, tag)), tag, about)


def store(folder: str) -> Store:
    """Return the place of an experiment."""
    if not folder.startswith("s3://"):
        return Folder(folder)
    settings.check_seconds("uploadEvery", settings.setting("uploadEvery", None))
    name, _, key = folder.removeprefix("s3://").partition("/")
    return Bucket(remote.client(), name, key)


def place(prefix: str, tag: str) -> str:
    """Return where the artifacts of an experiment lie."""
    return f"{prefix}{tag}/"


class Workbook:
    """One experiment that is being written."""

    def __init__(self, store: Store, tag: str, about: Mapping[str, Any]) -> None:
        self.tag = tag
        self.store = store
        self._lost: spelling.Lost = Counter()
        # Names that are taken, by their folded form; the fields of each series; the sum of each file.
        self._taken: dict[str, str] = {}
        self.series: dict[str, Sequence[str]] = {}
        self._sums: dict[str, Sum] = {}
        self._is_closed = False
        self.check_about(about)
        self.begin(about)
        exits.opened(self)

    def check_about(self, about: Mapping[str, Any]) -> None:
        """Refuse a note, or the tag of an earlier attempt, that is no text."""
        for key, value in about.items():
            if not isinstance(value, str) or re.search("[\ud800-\udfff]", value):
                raise Refused("begin.optional", f"{key} is a text in UTF-8, not {value!r}")

    def begin(self, about: Mapping[str, Any]) -> None:
        """Claim the tag."""
        try:
            data = self.begin_document(about)
            self.store.create(_LAYOUT["begin"], data)
        except FileExistsError:
            raise Refused("tag.claim", f"the tag {self.tag!r} is taken") from None
        self._sums[_LAYOUT["begin"]] = Sum(data)

    def begin_document(self, about: Mapping[str, Any]) -> bytes:
        """Return begin.json."""
        document = {
            "protocol": f"{SPEC['protocol']['name']} {SPEC['protocol']['version']}",
            "tag": self.tag,
            "writer": "conformance example 1",
            "runtime": f"{platform.python_implementation()} {platform.python_version()}",
            "started": self.now(),
            "nonce": secrets.token_hex(8),
            **process.identity(),
            **about,
        }
        return json.dumps(document).encode()

    def now(self) -> str:
        """Return the time, as it stands in documents."""
        return time.strftime(SPEC["series"]["date_format"], time.gmtime())

    def new_time_series_log(self, name: str, fields: Sequence[str], save_every: int | None = None) -> None:
        """Start a series; `log` adds its rows."""
        self.check_fields(fields)
        self.check_save_every(save_every)
        path = self.claim(self.with_suffix("series", name))
        self.check_new(path)
        self.series[path] = self.kept(fields)
        self.store.grows(path, save_every)
        self.keep(path, spelling.header(fields).encode())

    def kept(self, fields: Sequence[str]) -> Sequence[str]:
        """Return a copy of the fields, because the list is the caller's."""
        return list(fields)

    def check_fields(self, fields: Sequence[str]) -> None:
        """Refuse fields under which a value could not be found again."""
        if (
            not fields
            or not all(map(self.is_field, fields))
            or len(set(fields)) < len(fields)
            or SPEC["series"]["date_field"] in fields
        ):
            raise Refused(
                "series.fields", f"{fields!r} are no fields: texts, all different, and none of them Date"
            )

    def is_field(self, field: Any) -> bool:
        """Say whether this is a text that the header can hold as it is."""
        return isinstance(field, str) and field != "" and not re.search("[\0\ud800-\udfff]", field)

    def check_save_every(self, save_every: float | None) -> None:
        """Refuse what is no number of rows."""
        # In Python true is an integer too.
        is_whole = isinstance(save_every, int) and not isinstance(save_every, bool)
        if save_every is not None and (not is_whole or save_every < 1):
            raise Refused(
                "series.save-every", f"saveEvery is {save_every!r}, which is no whole number from 1"
            )

    def log(self, name: str, values: Mapping[str, Any]) -> None:
        """Add a row to a series."""
        self.check_open()
        path = self.with_suffix("series", name)
        fields = self.series[path]
        self.check_row(fields, values)
        changed: spelling.Lost = Counter()
        row = spelling.row(fields, values, self.date(), changed).encode()
        try:
            self.store.append(path, row)
        except OSError as error:
            self.lose("rows", error)
        else:
            self.count(changed)
            self._sums[path].add(row)

    def check_row(self, fields: Sequence[str], values: Mapping[str, Any]) -> None:
        """Refuse a field that the series has not, and what is no table."""
        if not isinstance(values, dict):
            raise Refused("series.row", f"a row is a table of its fields, not {values!r}")
        if unknown := values.keys() - set(fields):
            raise Refused("series.row", f"the series has no field {sorted(unknown)}")

    def date(self) -> str:
        """Return the last cell of a row."""
        return self.now()

    def save_json(self, name: str, value: Any) -> None:
        """Save a value."""
        changed: spelling.Lost = Counter()
        data = spelling.json_text(value, changed)
        self.keep(self.claim(self.with_suffix("json", name)), data)
        self.count(changed)

    def save_text(self, name: str, text: str) -> None:
        """Save a text, under the name as given."""
        changed: spelling.Lost = Counter()
        path = self.claim(self.with_suffix("text", name))
        self.keep(path, spelling.mended(text, changed).encode())
        self.count(changed)

    def save_file(self, name: str, path: str) -> None:
        """Save the bytes of a file, under the name as given."""
        with open(path, "rb") as file:
            self.keep(self.claim(self.with_suffix("file", name)), file.read())

    def save_git_status(self, name: str = SPEC["git"]["default_name"]) -> None:
        """Save the commit that runs, and what has been changed since; nothing where git knows neither."""
        paths = {kind: self.claim(self.with_suffix(kind, name)) for kind in ("git_commit", "git_patch")}
        try:
            said = git.status()
        except git.NothingToTell as error:
            settings.warn(f"{self.tag} has no state of the source: {error}")
            return
        for kind, path in paths.items():
            self.keep(path, said[kind])

    def with_suffix(self, kind: str, name: str) -> str:
        """Return the name of an artifact: what the caller gave, and the suffix of its kind, always."""
        return name + str(SPEC["kind"][kind]["suffix"])

    def claim(self, path: str) -> str:
        """Return a name that an artifact may have, and remember it."""
        self.check_open()
        names.check(path)
        names.check_unique(path, self._taken)
        self.check_once(path)
        self._taken[names.folded(path)] = path
        return path

    def check_open(self) -> None:
        """Refuse what comes after the end."""
        if self._is_closed:
            raise Refused("end.last", f"{self.tag!r} is closed")

    def check_new(self, path: str) -> None:
        """Refuse a series where something was saved before."""
        if path in self._sums:
            raise Refused("series.once", f"{path!r} is saved already")

    def check_once(self, path: str) -> None:
        """Refuse to save over a series."""
        if path in self.series:
            raise Refused("series.once", f"{path!r} is a series already")

    def keep(self, path: str, data: bytes) -> None:
        """Publish an artifact, in place of what had its name before."""
        try:
            self.store.replace(path, data)
        except OSError as error:
            self.lose("artifacts", error)
        else:
            self._sums[path] = Sum(data)

    def lose(self, what: str, why: object) -> None:
        """Count what could not be recorded, and warn of it."""
        self.count({_LOSS[what]: 1}, f": {why!r}")

    def count(self, changed: Mapping[str, int], why: str = "") -> None:
        """Count what is not recorded as it was given; warn of each kind once."""
        for kind, count in changed.items():
            if count and not self._lost[kind]:
                settings.warn(f"some {kind} of {self.tag} are not recorded as they were given{why}")
            self._lost[kind] += count

    def flush(self, _seconds: float | None = None) -> None:
        """Wait until all that was recorded has arrived."""
        self.store.flush()

    def close(self, error: BaseException | None = None) -> None:
        """End the experiment, after an exception where there is one."""
        self.end(self.outcome(error), error)

    def outcome(self, error: BaseException | None) -> str:
        """Return how the script ended, in one word."""
        return str(_OUTCOME["failed"] if error else _OUTCOME["finished"])

    def let_go(self) -> None:
        """End an experiment that nobody closed, and that nobody can close any more."""
        self.end(_OUTCOME["ended"], None)

    def end(self, outcome: str, error: BaseException | None) -> None:
        """Publish end.json, after everything else."""
        if self._is_closed:
            return
        self._is_closed = True
        exits.ended(self)
        self.store.settle()
        try:
            self.store.replace(_LAYOUT["end"], self.end_document(outcome, error))
        except OSError as refusal:
            settings.warn(f"{self.tag} has no end: {refusal}")
        self.store.end()

    def end_document(self, outcome: str, error: BaseException | None) -> bytes:
        """Return end.json."""
        document = {
            "ended": self.now(),
            "outcome": outcome,
            "error": None if error is None else {"type": type(error).__name__, "message": str(error)},
            "lost": dict(self._lost),
            "files": self.published(),
        }
        delivery = self.store.delivery()
        return json.dumps({**document, "delivery": delivery} if delivery else document).encode()

    def published(self) -> dict[str, dict[str, Any]]:
        """Return what is there, with sizes and sums."""
        return {
            path: {"bytes": each.size, "sha256": each.hash.hexdigest()} for path, each in self._sums.items()
        }


class Sum:
    """The size and the sum of a file that may still grow."""

    def __init__(self, data: bytes) -> None:
        self.size, self.hash = len(data), hashlib.sha256(data)

    def add(self, data: bytes) -> None:
        """Go on with what was appended."""
        self.size += len(data)
        self.hash.update(data)


class Silence(Workbook):
    """A workbook that is disabled: every verb of it does nothing."""

    def __init__(self, tag: str) -> None:
        self.tag = tag

    def __getattribute__(self, name: str) -> Any:
        return object.__getattribute__(self, name) if name == "tag" else lambda *_: None
