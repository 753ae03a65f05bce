"""
Atomic move of a file to a name that does not exist yet.

`os.rename` replaces an existing file. A hard link does not, but FAT, some network and some FUSE file systems
have no hard links, and on tmpfs a link takes an inode, of which there may be none left. There renameat2(2)
moves the file, which takes neither an inode nor a block.
"""

from __future__ import annotations

import errno
import os
from typing import Final

# <fcntl.h> and <linux/fs.h>; Python has no names for them.
_AT_FDCWD: Final = -100
_RENAME_NOREPLACE: Final = 1


def move_to_new_name(source: str, target: str) -> None:
    """
    Move a file within its file system, without replacing another one.

    Raises:
        FileExistsError: the target exists.
        OSError: the system can do this neither by a hard link nor by renameat2(2).
    """
    try:
        os.link(source, target)
    except FileExistsError:
        raise
    except OSError:
        _rename_without_replacing(source, target)
    else:
        os.unlink(source)


def _rename_without_replacing(source: str, target: str) -> None:
    try:
        import ctypes

        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (ImportError, AttributeError) as error:
        raise OSError(errno.ENOSYS, "renameat2(2) cannot be called") from error
    if rename(_AT_FDCWD, os.fsencode(source), _AT_FDCWD, os.fsencode(target), _RENAME_NOREPLACE) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), target)
