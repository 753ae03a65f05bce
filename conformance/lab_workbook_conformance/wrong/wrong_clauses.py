"""Writers that are wrong about a clause beside the main sentence of a rule."""

from __future__ import annotations

import contextlib
import json
import os
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from lab_workbook_conformance.constants import SPEC
from lab_workbook_conformance.wrong import names, settings, spelling
from lab_workbook_conformance.wrong.errors import Refused
from lab_workbook_conformance.wrong.store import Folder
from lab_workbook_conformance.wrong.table import Right, instead_of
from lab_workbook_conformance.wrong.writer import Workbook

_TEXTS = SPEC["loss"]["texts"]
_MARK = SPEC["text"]["replacement"]
_DATE = SPEC["series"]["date_field"]


@instead_of("tag.claim-20", Folder, "check_free")
def takes_over(_: Right, _store: Folder) -> Any:
    """The folder of an experiment of 1.0 is taken over."""


@instead_of("tag.claim-21", Folder, "check_free")
def refuses_empty(_: Right, store: Folder) -> Any:
    """A tag whose folder is empty is refused."""
    # Where it is; `place` would make it.
    if os.path.isdir(vars(store)["_path"]):
        raise FileExistsError


@instead_of("tag.explicit-20", names, "check_tag")
def characters_of_a_tag(right: Right, tag: str) -> Any:
    """A tag has at most 128 characters, of any number of bytes."""
    try:
        right(tag)
    except Refused as error:
        is_long = "more than" in str(error) and "/" not in tag
        if not is_long or len(tag) > SPEC["tag"]["max_bytes"]:
            raise


@instead_of("prefix.form-20", settings, "location")
def any_letter_case(right: Right, prefix: str) -> Any:
    """The letter case of a scheme does not count."""
    return right(re.sub("^[A-Za-z]+(?=://)", lambda scheme: scheme[0].lower(), prefix))


@instead_of("prefix.form-21", settings, "location")
def no_c1_controls(right: Right, prefix: str) -> Any:
    """A prefix with U+0080 to U+009F is refused."""
    if re.search("[\x80-\x9f]", prefix):
        raise Refused("prefix.form", "there is a control character in it")
    return right(prefix)


@instead_of("name.edges-20", Workbook, "with_suffix")
def without_suffix(right: Right, book: Workbook, kind: str, name: str) -> Any:
    """The name that the caller gave is checked without its suffix."""
    names.check(name)
    return right(book, kind, name)


@instead_of("name.unique-20", names, "check_unique")
def folders_too(right: Right, name: str, taken: dict[str, str]) -> Any:
    """Folders that differ in letter case alone are refused."""
    right(name, taken)
    folder = name.rpartition("/")[0]
    for other in taken.values():
        theirs = other.rpartition("/")[0]
        if folder != theirs and names.folded(folder) == names.folded(theirs):
            raise Refused("name.unique", f"{folder!r} and {theirs!r} are one folder on a laptop")


@instead_of("series.fields-20", Workbook, "new_time_series_log")
def mended_fields(right: Right, book: Workbook, name: str, fields: Sequence[Any], *given: Any) -> Any:
    """A field that is not valid UTF-8 is mended."""
    right(book, name, [_mended(field) if isinstance(field, str) else field for field in fields], *given)


def _mended(text: str) -> str:
    return re.sub("[\ud800-\udfff]", _MARK, text)


@instead_of("series.fields-21", Workbook, "check_fields")
def compatible_fields(right: Right, book: Workbook, fields: Sequence[Any]) -> Any:
    """Fields that are one in form NFKC are refused."""
    right(book, fields)
    if len({unicodedata.normalize("NFKC", field) for field in fields}) < len(fields):
        raise Refused("series.fields", "two fields look the same")


@instead_of("series.row-20", Workbook, "log")
def date_of_the_caller(right: Right, book: Workbook, name: str, values: Mapping[str, Any]) -> Any:
    """A row that gives a Date is taken, without it."""
    right(
        book,
        name,
        {field: value for field, value in values.items() if field != _DATE}
        if isinstance(values, dict)
        else values,
    )


@instead_of("series.text-20", spelling, "text")
def composed_cells(right: Right, value: str, lost: spelling.Lost) -> Any:
    """Cells are in form NFC."""
    return right(unicodedata.normalize("NFC", value), lost)


@instead_of("series.text-21", spelling, "text")
def compatible_cells(right: Right, value: str, lost: spelling.Lost) -> Any:
    """Cells have letters in place of ligatures."""
    return right(value.replace("\ufb01", "fi"), lost)


@instead_of("series.text-22", spelling, "text")
def unix_lines(right: Right, value: str, lost: spelling.Lost) -> Any:
    """CR LF in a cell becomes LF."""
    return right(value.replace("\r\n", "\n"), lost)


@instead_of("series.text-23", spelling, "text")
def stripped_cells(right: Right, value: str, lost: spelling.Lost) -> Any:
    """White space at the end of a cell is left out."""
    return right(value.rstrip("\t ") if value.strip("\t ") else value, lost)


@instead_of("series.text-24", spelling, "text")
def safe_formulas(right: Right, value: str, lost: spelling.Lost) -> Any:
    """A cell that looks like a formula gets an apostrophe."""
    return right(f"'{value}" if value.startswith("=") else value, lost)


@instead_of("json.value-20", spelling, "json_text")
def composed_json(right: Right, value: Any, lost: spelling.Lost) -> Any:
    """JSON is in form NFC, but for its keys."""
    return right(_composed(value), lost)


def _composed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _composed(item) for key, item in value.items()}
    return unicodedata.normalize("NFC", value) if isinstance(value, str) else value


@instead_of("json.keys-20", spelling, "same_key")
def mended_keys(right: Right, name: str) -> Any:
    """Of keys that mending makes equal one is written."""
    if _MARK not in name:
        right(name)


@instead_of("json.depth-20", spelling, "json_text")
def seen_is_a_cycle(right: Right, value: Any, lost: spelling.Lost) -> Any:
    """A list that stands in two places is taken for a cycle."""
    _see(value, set())
    return right(value, lost)


def _see(value: Any, seen: set[int], depth: int = 1) -> None:
    if isinstance(value, (list, dict)) and depth <= SPEC["json"]["max_depth"]:
        if id(value) in seen:
            raise Refused("json.depth", "it contains itself")
        seen.add(id(value))
        for item in value.values() if isinstance(value, dict) else value:
            _see(item, seen, depth + 1)


@instead_of("end.lost-20", spelling, "plain_object")
def keys_not_counted(right: Right, value: dict[Any, Any], depth: int, lost: spelling.Lost) -> Any:
    """A key that is mended is not counted."""
    plain = right(value, depth, lost)
    lost[_TEXTS] -= sum(isinstance(key, str) and _mended(key) != key for key in value)
    return plain


@instead_of("end.lost-21", Workbook, "count")
def warns_each_time(right: Right, book: Workbook, changed: Mapping[str, int], why: str = "") -> Any:
    """Each loss is warned of."""
    right(book, changed, why)
    if any(changed.values()):
        settings.warn(f"{changed} once more")


@instead_of("end.lost-22", settings, "warn")
def warns_once_in_a_process(right: Right, message: str) -> Any:
    """A loss is warned of once in a process, whatever experiment has it."""
    if not _WORDS:
        right(message)
    _WORDS.append(message)


_WORDS: list[str] = []


@instead_of("end.lost-23", Workbook, "check_about")
def note_mended_in_silence(right: Right, book: Workbook, about: dict[str, Any]) -> Any:
    """A note is mended, and not counted."""
    about.update({key: _mended(value) for key, value in about.items() if isinstance(value, str)})
    right(book, about)


@instead_of("text.mended-20", settings, "warn", also=("config.keys",))
def silent(_: Right, _message: str) -> Any:
    """Nothing is warned of."""


@instead_of("begin.optional-20", Workbook, "check_about")
def note_refused_by_another_rule(right: Right, book: Workbook, about: Mapping[str, Any]) -> Any:
    """A note that is not valid UTF-8 is refused without a rule."""
    try:
        right(book, about)
    except Refused as error:
        raise Refused(None if "UTF-8" in str(error) and _is_text(about) else error.rule, str(error)) from None


def _is_text(about: Mapping[str, Any]) -> bool:
    return all(isinstance(value, str) for value in about.values())


@instead_of("config.keys-20", settings, "parsed")
def keys_in_any_case(right: Right, text: str) -> Any:
    """The letter case of keys does not count."""
    known = {key.lower(): key for key in SPEC["config"]["defaults"]}
    return {known.get(key.lower(), key): value for key, value in right(text).items()}


@instead_of("config.keys-21", settings, "warn_once")
def keys_in_silence(_: Right, _message: str) -> Any:
    """A key that is not known is not warned of."""


@instead_of("config.keys-22", settings, "warn_once")
def keys_each_time(_: Right, message: str) -> Any:
    """A key that is not known is warned of in each experiment."""
    settings.warn(message)


@instead_of("config.disabled-20", settings, "is_disabled")
def false_is_no(right: Right) -> Any:
    """`false` does not disable."""
    return right() and os.environ[SPEC["config"]["disabled"]] != "false"


@instead_of("config.disabled-21", settings, "is_disabled")
def zeros_are_no(right: Right) -> Any:
    """`00` does not disable."""
    return right() and os.environ[SPEC["config"]["disabled"]].strip("0") != ""


@instead_of("end.last-20", Workbook, "flush")
def flush_refused(right: Right, book: Workbook, *given: Any) -> Any:
    """A flush after close is refused."""
    book.check_open()
    right(book, *given)


@instead_of("end.document-20", Workbook, "end_document")
def empty_message(right: Right, *given: Any) -> Any:
    """An error without words is null."""
    end = json.loads(right(*given))
    error = end["error"]
    return json.dumps({**end, "error": error if error and error["message"] else None}).encode()


@instead_of("end.document-21", Workbook, "end_document")
def first_line(right: Right, *given: Any) -> Any:
    """The message of an error ends at its first line end."""
    end = json.loads(right(*given))
    if end["error"]:
        end["error"]["message"] = end["error"]["message"].partition("\n")[0]
    return json.dumps(end).encode()


@instead_of("end.files-20", Folder, "end")
def leaves_a_file(right: Right, store: Folder) -> Any:
    """A file of the writer's own is left beside end.json."""
    right(store)
    store.replace(f"{SPEC['layout']['reserved']}/debug.txt", b"x")
    right(store)


@instead_of("kind.replace-20", Folder, "replace")
def written_in_place(right: Right, store: Folder, name: str, data: bytes) -> Any:
    """A file that is there is truncated, and written again."""
    if not os.path.exists(store.place(name)) or name == SPEC["layout"]["end"]:
        right(store, name, data)
        return
    with open(store.place(name), "wb") as file:
        file.write(data)


@instead_of("kind.replace-21", Folder, "replace")
def removed_first(right: Right, store: Folder, name: str, data: bytes) -> Any:
    """A file that is there is removed before the new one comes."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(store.place(name))
    right(store, name, data)


@instead_of("series.birth-20", Folder, "replace")
def header_in_two_steps(right: Right, store: Folder, name: str, data: bytes) -> Any:
    """A header is written in two steps."""
    if not name.endswith(".csv"):
        right(store, name, data)
        return
    for half in (data[: len(data) // 2], data[len(data) // 2 :]):
        with open(store.place(name), "ab") as file:
            file.write(half)


@instead_of("series.date-20", Workbook, "date")
def date_of_the_beginning(right: Right, book: Workbook) -> Any:
    """All rows have the date of the first one."""
    return _DATES.setdefault(book.tag, right(book))


_DATES: dict[str, str] = {}


@instead_of("end.lost-24", Workbook, "save_file")
def missing_is_lost(right: Right, book: Workbook, name: str, path: str) -> Any:
    """A file that is not there counts as lost."""
    try:
        right(book, name, path)
    except OSError as error:
        book.lose("artifacts", error)


@instead_of("end.last-21", Workbook, "save_file")
def hard_link(right: Right, book: Workbook, name: str, path: str) -> Any:
    """A file is saved as a hard link."""
    right(book, name, path)
    if os.stat(path).st_nlink == 1 and not os.path.islink(path):
        _put_link(os.link, book, name, path)


@instead_of("end.last-22", Workbook, "save_file")
def symbolic_link(right: Right, book: Workbook, name: str, path: str) -> Any:
    """A symbolic link is saved as one."""
    right(book, name, path)
    if os.path.islink(path):
        _put_link(os.symlink, book, name, os.path.realpath(path))


def _put_link(link: Any, book: Workbook, name: str, path: str) -> None:
    store = book.store
    if isinstance(store, Folder):
        os.unlink(store.place(name))
        link(path, store.place(name))


@instead_of("kind.content-20", Workbook, "save_file")
def moves_the_file(right: Right, book: Workbook, name: str, path: str) -> Any:
    """The file of the script is gone when it is saved."""
    right(book, name, path)
    kept = f"{path}.saved"
    os.rename(path, kept)
