"""
Names of values and files that hold secrets.

>>> strength_of_name("AWS_SECRET_ACCESS_KEY"), strength_of_name("token"), strength_of_name("tokenizer")
(2, 1, 0)

The lists are in ``spec/v1/spec.json``, because the Lua writer applies the same.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from lab_workbook.protocol import _spec

# A name alone is enough to redact any value that could be a secret.
STRONG: Final = 2
# `token` names a secret, and a piece of a text: only a value that looks random is redacted.
WEAK: Final = 1
NONE: Final = 0


def is_secret_name(name: str) -> bool:
    """
    Return whether a name can be that of a secret, in any spelling of its words.

    >>> [is_secret_name(name) for name in ("dbPassword", "api-key", "x.auth", "num_tokens", "author", "key")]
    [True, True, True, False, False, False]
    """
    return strength_of_name(name) != NONE


@lru_cache(maxsize=4096)
def strength_of_name(name: str) -> int:
    """
    Return how much a name says about its value: `STRONG`, `WEAK` or `NONE`.

    >>> [strength_of_name(name) for name in ("db_password", "password_file", "session_id", "epochs")]
    [2, 0, 1, 0]
    """
    if not name or len(name) > _spec.SECRET_NAME_MAX:
        return NONE
    words = words_of_name(name)
    if words.endswith(_spec.SECRET_INNOCENT):
        return NONE
    if words.endswith(_spec.SECRET_ENDINGS) or any(part in words for part in _spec.SECRET_ANYWHERE):
        return STRONG
    return WEAK if words.endswith(_spec.SECRET_WEAK) else NONE


def words_of_name(name: str) -> str:
    """
    Return the words of a name in lower case, between underscores.

    >>> words_of_name("DBPassword")
    '_db_password_'
    """
    # Without `re`, because compiling a pattern costs a starting script milliseconds.
    words, before = ["_"], "_"
    for index, character in enumerate(name):
        # Everything beyond ASCII counts as a letter, as in Lua, which sees bytes.
        now = character if "A" <= character <= "Z" or "a" <= character <= "z" or character > "\x7f" else "_"
        is_upper = "A" <= now <= "Z"
        ends_capitals = "A" <= before <= "Z" and "a" <= name[index + 1 : index + 2] <= "z"
        if is_upper and ("a" <= before <= "z" or ends_capitals):
            words.append("_")
        if now != "_" or before != "_":
            words.append(now)
        before = now
    return f"{''.join(words).rstrip('_')}_".lower()


def is_secret_file(path: str) -> bool:
    """
    Return whether a file is never captured, because of its name or of a folder that it is in.

    >>> [is_secret_file(path) for path in (".env", "deploy/server.pem", "home/.aws/config", "id_rsa.pub")]
    [True, True, True, False]
    """
    from fnmatch import fnmatchcase

    *folders, name = path.replace("\\", "/").lower().split("/")
    if any(folder in _spec.SECRET_FOLDERS for folder in folders):
        return True
    if any(fnmatchcase(name, harmless) for harmless in _spec.SECRET_HARMLESS_FILES):
        return False
    return any(fnmatchcase(name, secret) for secret in _spec.SECRET_FILES)
