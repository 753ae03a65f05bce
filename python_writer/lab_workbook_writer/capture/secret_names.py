"""
Which names say that what they name is a secret: of a value, and of a file.

>>> is_secret_name("AWS_SECRET_ACCESS_KEY"), is_secret_name("use_cls_token"), is_secret_name("tokenizer")
(True, False, False)

The lists are in ``spec/v1/spec.json``, because the Lua writer goes by the same.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Final

from lab_workbook.protocol import _spec

_LOWER_UPPER: Final = re.compile("([a-z])([A-Z])")
_UPPER_WORD: Final = re.compile("([A-Z])([A-Z][a-z])")
# Beyond ASCII everything counts as a letter, as it does in Lua, which sees bytes.
_NO_LETTERS: Final = re.compile("[^A-Za-z\u0080-\U0010ffff]+")
# A name of a thousand letters is a text, and nobody's key.
_LONGEST: Final = 200


@lru_cache(maxsize=4096)
def is_secret_name(name: str) -> bool:
    """
    Say whether a name is one of a secret, in whichever way its words are put together.

    >>> [is_secret_name(name) for name in ("dbPassword", "api-key", "x.auth", "num_tokens", "author", "key")]
    [True, True, True, False, False, False]
    """
    if not name or len(name) > _LONGEST:
        return False
    words = _UPPER_WORD.sub(r"\1_\2", _LOWER_UPPER.sub(r"\1_\2", name))
    joined = _NO_LETTERS.sub("_", f"_{words}_").lower()
    if any(part in joined for part in _spec.SECRET_ANYWHERE):
        return True
    return joined.endswith(_spec.SECRET_ENDINGS) and not joined.endswith(_spec.SECRET_INNOCENT)


def is_secret_file(path: str) -> bool:
    """
    Say whether a file is one that is never captured, by its name or by the folders that it lies in.

    >>> [is_secret_file(path) for path in (".env", "deploy/server.pem", "home/.aws/config", "id_rsa.pub")]
    [True, True, True, False]
    """
    *folders, name = path.replace("\\", "/").lower().split("/")
    if any(folder in _spec.SECRET_FOLDERS for folder in folders):
        return True
    if any(fnmatchcase(name, harmless) for harmless in _spec.SECRET_HARMLESS_FILES):
        return False
    return any(fnmatchcase(name, secret) for secret in _spec.SECRET_FILES)
