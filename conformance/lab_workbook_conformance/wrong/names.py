"""What a tag may be, and the name of an artifact: what the caller gave, and the suffix of its kind."""

from __future__ import annotations

import re
import secrets
import time

from lab_workbook_conformance.constants import SPEC
from lab_workbook_conformance.wrong.errors import Refused

_TAG, _LIMITS, _RESERVED = SPEC["tag"], SPEC["name"], SPEC["layout"]["reserved"]


def fresh_tag() -> str:
    """Return a tag that nobody has chosen."""
    minute = time.strftime(_TAG["time_format"], time.gmtime())
    return f"{minute}-" + "".join(secrets.choice(_TAG["alphabet"]) for _ in range(_TAG["random_length"]))


def check_tag(tag: str) -> None:
    """Refuse a tag that is no single part of a name."""
    try:
        check_all(tag)
    except Refused as error:
        raise Refused("tag.explicit", f"{tag!r} is no tag: {error}") from error
    if "/" in tag or len(_bytes(tag)) > _TAG["max_bytes"]:
        raise Refused(
            "tag.explicit", f"{tag!r} is no tag: it has a slash, or more than {_TAG['max_bytes']} bytes"
        )


def check(name: str) -> None:
    """Refuse a name that an artifact must not have."""
    check_all(name)


def check_all(name: str) -> None:
    """Refuse what some file system or bucket could not keep."""
    check_text(name)
    for part in name.split("/"):
        check_part(part)
    check_length(name)
    check_reserved(name)


def check_text(name: str) -> None:
    """Refuse what is not UTF-8, and characters that nobody sees."""
    if re.search("[\ud800-\udfff]", name):
        raise Refused("name.utf8", f"{name!r} is not valid UTF-8")
    if re.search(r"[\x00-\x1f\x7f-\x9f\\]", name):
        raise Refused("name.characters", f"{name!r} has a control character or a backslash")


def check_part(part: str) -> None:
    """Refuse a part between two slashes that leads elsewhere, or that Windows would change."""
    if part in ("", ".", ".."):
        raise Refused("name.parts", f"a part of the name is {part!r}")
    if part != part.strip(" ") or part.endswith("."):
        raise Refused("name.edges", f"{part!r} begins or ends with a space, or ends with a dot")


def check_length(name: str) -> None:
    """Refuse what is too long for a file system."""
    longest = max(len(_bytes(part)) for part in name.split("/"))
    if longest > _LIMITS["part_max_bytes"] or len(_bytes(name)) > _LIMITS["max_bytes"]:
        raise Refused("name.length", f"{name!r} is too long")


def check_reserved(name: str) -> None:
    """Refuse the folder of the protocol, in any letter case."""
    if folded(name.partition("/")[0]) == _RESERVED:
        raise Refused("name.reserved", f"{name!r} lies in the folder of the protocol")


def check_unique(name: str, taken: dict[str, str]) -> None:
    """Refuse a name that a laptop would mix up with a taken one; those are given by their folded names."""
    mine = folded(name)
    for theirs, other in taken.items():
        is_other_case = mine == theirs and name != other
        if is_other_case or mine.startswith(f"{theirs}/") or theirs.startswith(f"{mine}/"):
            raise Refused("name.unique", f"{name!r} and {other!r} cannot lie in one folder everywhere")


def folded(name: str) -> str:
    """Return a name with ASCII letters in lower case; about all others file systems disagree."""
    return re.sub("[A-Z]+", lambda capitals: capitals[0].lower(), name)


def _bytes(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")
