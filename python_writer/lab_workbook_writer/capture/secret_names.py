"""
Which names say that what they name is a secret: of a value, and of a file.

>>> is_secret_name("AWS_SECRET_ACCESS_KEY"), is_secret_name("use_cls_token"), is_secret_name("tokenizer")
(True, False, False)

The lists are in ``spec/v1/spec.json``, because the Lua writer goes by the same.
"""

from __future__ import annotations

from functools import lru_cache

from lab_workbook.protocol import _spec


@lru_cache(maxsize=4096)
def is_secret_name(name: str) -> bool:
    """
    Say whether a name is one of a secret, in whichever way its words are put together.

    >>> [is_secret_name(name) for name in ("dbPassword", "api-key", "x.auth", "num_tokens", "author", "key")]
    [True, True, True, False, False, False]
    """
    if not name or len(name) > _spec.SECRET_NAME_MAX:
        return False
    joined = _joined(name)
    if any(part in joined for part in _spec.SECRET_ANYWHERE):
        return True
    return joined.endswith(_spec.SECRET_ENDINGS) and not joined.endswith(_spec.SECRET_INNOCENT)


def _joined(name: str) -> str:
    """Return the words of a name in lower case, between underscores: ``_db_password_`` of ``DBPassword``."""
    # Without `re`, because a script that starts would wait milliseconds for its patterns to be compiled.
    words, before = ["_"], "_"
    for index, character in enumerate(name):
        # Beyond ASCII everything counts as a letter, as it does in Lua, which sees bytes.
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
    Say whether a file is one that is never captured, by its name or by the folders that it lies in.

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
