"""Writers that are wrong about tags, prefixes, places, names, kinds and settings."""

from __future__ import annotations

import os
import random
import re
import time
import urllib.parse
from collections.abc import Callable
from typing import Any

from lab_workbook_conformance.constants import SPEC
from lab_workbook_conformance.wrong import names, settings, writer
from lab_workbook_conformance.wrong.errors import Refused, Unsupported
from lab_workbook_conformance.wrong.store import Folder
from lab_workbook_conformance.wrong.table import Right, instead_of
from lab_workbook_conformance.wrong.writer import Workbook


@instead_of("tag.shape", names, "fresh_tag")
def seven_characters(right: Right) -> Any:
    """Tags have seven random characters, as they had once."""
    return right()[:-3]


@instead_of("tag.shape-2", names, "fresh_tag")
def local_minute(right: Right) -> Any:
    """The minute in a tag is local time."""
    return time.strftime(SPEC["tag"]["time_format"]) + right()[12:]


@instead_of("tag.shape-3", names, "fresh_tag")
def url_safe_tag(right: Right) -> Any:
    """Tags may hold an underscore."""
    return right()[:-1] + "_"


@instead_of("tag.random", names, "fresh_tag")
def seeded_tag(right: Right) -> Any:
    """The random characters are seeded by the day."""
    dice = random.Random(time.strftime("%Y%m%d"))  # noqa: S311 - that is what is wrong with it
    return right()[:13] + "".join(dice.choices(SPEC["tag"]["alphabet"], k=10))


@instead_of("tag.random-2", names, "fresh_tag")
def counted_tag(right: Right, count: list[int] = [0]) -> Any:  # noqa: B006 - it counts
    """The random characters are a count of this process."""
    count[0] += 1
    return f"{right()[:13]}{os.getpid():05}{count[0]:05}"


@instead_of("tag.explicit", names, "check_tag")
def no_check_of_tags(_: Right, _tag: str) -> Any:
    """Any tag will do, also one with a slash."""


@instead_of("tag.explicit-2", names, "check_tag")
def long_tags(right: Right, tag: str) -> Any:
    """Tags may have as many bytes as a part of a name."""
    right(tag[:100])


@instead_of("tag.explicit-3", names, "check_tag")
def strict_tags(right: Right, tag: str) -> Any:
    """Tags have no spaces and commas."""
    if re.search("[ ,]", tag):
        raise Refused("tag.explicit", "no spaces, please")
    right(tag)


@instead_of("tag.claim", Folder, "create")
def overwritten_begin(_: Right, store: Folder, name: str, data: bytes) -> Any:
    """A second experiment of the same tag goes into the folder of the first."""
    store.replace(name, data)


@instead_of("prefix.form", settings, "location")
def any_scheme(right: Right, prefix: str) -> Any:
    """A scheme that nobody knows is the beginning of a path."""
    return right(re.sub("^(https|gs)://", "", prefix))


@instead_of("prefix.form-2", settings, "location")
def decoded_prefix(right: Right, prefix: str) -> Any:
    """What is percent-encoded in a prefix is decoded."""
    return right(urllib.parse.unquote(prefix))


@instead_of("prefix.form-3", settings, "location")
def anybody_s_home(right: Right, prefix: str) -> Any:
    """The home of another user is a folder named ~user."""
    return right(re.sub("^(file://)?~(?=[^/])", os.path.join(os.getcwd(), "~"), prefix))


@instead_of("prefix.form-4", settings, "location")
def cut_prefix(right: Right, prefix: str) -> Any:
    """A prefix ends at a #."""
    return right(prefix.partition("#")[0])


@instead_of("prefix.form-5", settings, "location")
def any_scheme_but_buckets(right: Right, prefix: str) -> Any:
    """There are no buckets here, and another scheme is the beginning of a path."""
    return _without_buckets(right, re.sub("^gs://", "", prefix))


@instead_of("prefix.form-6", settings, "location")
def anybody_s_home_but_no_buckets(right: Right, prefix: str) -> Any:
    """There are no buckets here, and the home of another user is a folder named ~user."""
    return _without_buckets(right, re.sub("^(file://)?~(?=[^/])", os.path.join(os.getcwd(), "~"), prefix))


def _without_buckets(right: Right, prefix: str) -> Any:
    if prefix.startswith("s3://"):
        raise Unsupported("this one knows no buckets")
    return right(prefix)


# Their examples have such prefixes.
@instead_of(
    "prefix.slash",
    settings,
    "location",
    also=("config.grammar", "config.keys", "layout.place", "prefix.form"),
)
def no_slash(right: Right, prefix: str) -> Any:
    """A prefix at home that has no slash at its end runs into the tag."""
    return right(prefix)[:-1] if re.search("^(file://)?~/.*[^/]$", prefix) else right(prefix)


@instead_of("layout.place", Workbook, "keep")
def no_folders(right: Right, book: Workbook, path: str, data: bytes) -> Any:
    """The folder in a name is dropped."""
    right(book, path if path in book.series else os.path.basename(path), data)


@instead_of("layout.place-2", Workbook, "keep")
def encoded_slash(right: Right, book: Workbook, path: str, data: bytes) -> Any:
    """A slash in a name is percent-encoded."""
    right(book, path if path in book.series else path.replace("/", "%2F"), data)


@instead_of("layout.working", Folder, "end")
def forgotten_working_file(right: Right, store: Folder) -> Any:
    """A temporary file is left behind."""
    right(store)
    store.replace(SPEC["layout"]["tmp"] + "1", b"")


@instead_of("layout.working-2", Folder, "end")
def forgotten_lock(right: Right, store: Folder) -> Any:
    """The lock is left behind."""
    store.replace(SPEC["layout"]["lock"], b"")
    right(store)


def _by_parts(name: str, change: Callable[[str], str]) -> str:
    return "/".join(map(change, name.split("/")))


@instead_of("name.utf8", names, "check")
def any_bytes(right: Right, name: str) -> Any:
    """A name may hold any bytes."""
    right(re.sub("[\ud800-\udfff]", "x", name))


@instead_of("name.parts", names, "check")
def empty_parts(right: Right, name: str) -> Any:
    """A part of a name may be empty."""
    right(_by_parts(name, lambda part: part or "x"))


@instead_of("name.parts-2", names, "check")
def dots(right: Right, name: str) -> Any:
    """A part of a name may be one dot or two."""
    right(_by_parts(name, lambda part: "x" if part in (".", "..") else part))


@instead_of("name.parts-3", names, "check")
def no_dot_files(right: Right, name: str) -> Any:
    """A part of a name must not begin with a dot."""
    right(name)
    if re.search(r"(^|/)\.", name):
        raise Refused("name.parts", "no dot in front, please")


@instead_of("name.characters", names, "check")
def control_characters(right: Right, name: str) -> Any:
    """A name may hold line feeds and other control characters of ASCII."""
    right(re.sub("[\x01-\x1f\x7f]", "x", name))


@instead_of("name.characters-2", names, "check")
def backslashes(right: Right, name: str) -> Any:
    """A name may hold a backslash."""
    right(name.replace("\\", "x"))


@instead_of("name.characters-3", names, "check")
def latin_control_characters(right: Right, name: str) -> Any:
    """Only control characters of ASCII are refused."""
    right(re.sub("[\x80-\x9f]", "x", name))


@instead_of("name.characters-4", names, "check")
def only_safe_characters(right: Right, name: str) -> Any:
    """What a shell would mind is refused."""
    right(name)
    if re.search("[$`*?;&\"'#%]", name):
        raise Refused("name.characters", "no odd characters, please")


@instead_of("name.characters-5", names, "check")
def odd_names_are_unsupported(right: Right, name: str) -> Any:
    """A name with a control character is called unsupported."""
    if re.search("[\x00-\x1f]", name):
        raise Unsupported("there is no such name here")
    right(name)


@instead_of("name.edges", names, "check")
def spaces_at_the_edges(right: Right, name: str) -> Any:
    """A part may begin and end with a space."""
    right(_by_parts(name, lambda part: part.strip(" ") or part))


@instead_of("name.edges-2", names, "check")
def dot_at_the_end(right: Right, name: str) -> Any:
    """A part may end with a dot."""
    right(_by_parts(name, lambda part: part.rstrip(".") or part))


def _unless(rule: str, is_fine: bool, right: Right, name: str) -> None:  # noqa: FBT001 - it is never named
    """Check a name, and let pass what breaks one rule where that is fine."""
    try:
        right(name)
    except Refused as error:
        if error.rule != rule or not is_fine:
            raise


@instead_of("name.length", names, "check")
def no_limit_of_a_name(right: Right, name: str) -> Any:
    """A whole name may be as long as it likes."""
    longest = max(len(part.encode("utf-8", "surrogateescape")) for part in name.split("/"))
    _unless("name.length", longest <= SPEC["name"]["part_max_bytes"], right, name)


@instead_of("name.length-2", names, "check")
def characters_for_bytes(right: Right, name: str) -> Any:
    """Characters are counted in place of bytes."""
    right(re.sub("[^\x00-\x9f\ud800-\udfff]", "x", name))


@instead_of("name.length-3", names, "check")
def short_names(right: Right, name: str) -> Any:
    """A part has at most 200 bytes."""
    right(name)
    if max(map(len, name.split("/"))) > 200:
        raise Refused("name.length", "shorter, please")


@instead_of("name.reserved", names, "check")
def reserved_in_capitals(right: Right, name: str) -> Any:
    """Only the very spelling of the protocol's folder is refused."""
    _unless("name.reserved", not name.startswith(SPEC["layout"]["reserved"]), right, name)


@instead_of("name.reserved-2", names, "check")
def reserved_beginning(right: Right, name: str) -> Any:
    """Whatever begins like the protocol's folder is refused."""
    right(name)
    if name.startswith(SPEC["layout"]["reserved"]):
        raise Refused("name.reserved", "another name, please")


@instead_of("name.unique", names, "folded")
def letter_case(right: Right, name: str) -> Any:
    """Names that differ in letter case are two names."""
    return right(name) if right(name) == SPEC["layout"]["reserved"] else name


@instead_of("name.unique-2", names, "check_unique")
def folder_of_another(right: Right, name: str, taken: dict[str, str]) -> Any:
    """One name may be a folder of another."""
    right(name, {theirs: other for theirs, other in taken.items() if theirs == names.folded(name)})


@instead_of("name.unique-3", names, "folded")
def any_letter_case(_: Right, name: str) -> Any:
    """The letter case of all letters is folded, not only that of ASCII."""
    return name.casefold()


@instead_of("kind.suffix", Workbook, "with_suffix")
def suffix_once(right: Right, book: Workbook, kind: str, name: str) -> Any:
    """A name that has the suffix already gets no second one."""
    return name if name.endswith(right(book, kind, "")) else right(book, kind, name)


@instead_of("kind.suffix-2", Workbook, "with_suffix")
def capital_suffix(right: Right, book: Workbook, kind: str, name: str) -> Any:
    """The suffix of JSON is in capitals."""
    return right(book, kind, name) if kind != "json" else f"{name}.JSON"


@instead_of("kind.content", Workbook, "save_text")
def lines_of_unix(right: Right, book: Workbook, name: str, text: str) -> Any:
    """CR LF in a text becomes LF."""
    right(book, name, text.replace("\r\n", "\n"))


# A kill in the middle of a save leaves neither of its texts.
@instead_of("kind.content-2", Workbook, "save_text", also=("kind.replace",))
def marked_text(right: Right, book: Workbook, name: str, text: str) -> Any:
    """A text begins with a byte order mark."""
    right(book, name, "\ufeff" + text)


@instead_of("kind.content-3", Workbook, "save_text")
def no_nul_in_texts(right: Right, book: Workbook, name: str, text: str) -> Any:
    """NUL in a text is written as U+FFFD, as in a cell."""
    right(book, name, text.replace("\0", "\ufffd"))


@instead_of("kind.content-4", Workbook, "save_text", also=("kind.replace",))
def ended_text(right: Right, book: Workbook, name: str, text: str) -> Any:
    """A text ends with a line feed."""
    right(book, name, text if text.endswith("\n") else f"{text}\n")


@instead_of("kind.content-5", Workbook, "save_file")
def file_as_text(_: Right, book: Workbook, name: str, path: str) -> Any:
    """A file is read as text."""
    with open(path, encoding="utf-8", errors="replace") as file:
        book.keep(book.claim(name), file.read().encode())


@instead_of("kind.replace", Workbook, "keep")
def first_one_stays(right: Right, book: Workbook, path: str, data: bytes) -> Any:
    """What was saved first under a name stays."""
    if path not in book.published():
        right(book, path, data)


# A header that is written like this is seen in two steps as well.
@instead_of("kind.replace-2", Folder, "replace", also=("series.birth",))
def in_place(_: Right, store: Folder, name: str, data: bytes) -> Any:
    """A file is truncated, and then written again."""
    with open(store.place(name), "wb") as file:
        file.write(data)


@instead_of("config.grammar", settings, "parsed")
def colons(right: Right, text: str) -> Any:
    """A colon will do as well."""
    return right(re.sub(r"(?m)^(\w+): ", r"\1 = ", text))


@instead_of("config.grammar-2", settings, "parsed")
def sections(right: Right, text: str) -> Any:
    """A section is passed over."""
    return right(re.sub(r"(?m)^\[.*\]", "", text))


@instead_of("config.grammar-3", settings, "parsed")
def quotes_around_values(right: Right, text: str) -> Any:
    """Quotes around a value are taken away."""
    return right(re.sub(r"""(?m)= *(["'])(.*)\1""", r"= \2", text))


@instead_of("config.grammar-4", settings, "parsed")
def last_one_counts(right: Right, text: str) -> Any:
    """Of a key that is there twice, the last one counts."""
    lines = {line.partition("=")[0].strip() or at: line for at, line in enumerate(text.split("\n"))}
    return right("\n".join(lines.values()))


@instead_of("config.grammar-5", settings, "parsed")
def comments_behind_values(right: Right, text: str) -> Any:
    """A comment may stand behind a value."""
    return right(re.sub("(?m) ;.*$", "", text))


@instead_of("config.grammar-6", settings, "parsed")
def no_carriage_returns(right: Right, text: str) -> Any:
    """A carriage return or a byte order mark is none of a configuration's characters."""
    if "\r" in text:
        raise Refused("config.grammar", "line feeds alone, please")
    return right(text)


@instead_of("config.keys", writer, "new_experiment")
def unknown_keys(right: Right, options: dict[str, Any]) -> Any:
    """A key of the configuration that nobody knows sets an option."""
    try:
        with open(os.path.expanduser(SPEC["config"]["file"]), encoding="utf-8-sig") as file:
            given = settings.parsed(file.read())
    except FileNotFoundError:
        given = {}
    return right({**{key: given[key] for key in ("tag",) if key in given}, **options})


@instead_of("config.keys-2", settings, "parsed")
def refused_keys(right: Right, text: str) -> Any:
    """An unknown key is an error."""
    given = right(text)
    if given.keys() - SPEC["config"]["defaults"].keys():
        raise Refused("config.keys", "what is that?")
    return given


@instead_of("config.order", settings, "candidates")
def file_first(right: Right, key: str, argument: str | None) -> Any:
    """The file counts before the environment."""
    given, environment, file, default = right(key, argument)
    return [given, file, environment, default]


@instead_of("config.order-2", settings, "setting")
def environment_first(right: Right, key: str, argument: str | None) -> Any:
    """The environment counts before an argument."""
    return right(key, settings.from_environment(key) or argument)


@instead_of("config.order-3", settings, "candidates")
def empty_is_set(right: Right, key: str, argument: str | None) -> Any:
    """An empty variable counts, and means the default."""
    given, environment, file, default = right(key, argument)
    return [given, environment, file if environment is None else None, default]


@instead_of("config.disabled", settings, "is_disabled")
def never_disabled(_: Right) -> Any:
    """Nothing disables it."""
    return False


@instead_of("config.disabled-2", settings, "is_disabled")
def disabled_by_zero(right: Right) -> Any:
    """A 0 disables it too."""
    return right() or os.environ.get(SPEC["config"]["disabled"]) == "0"
