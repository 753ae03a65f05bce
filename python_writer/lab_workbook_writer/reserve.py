"""
What the disk of a spool keeps free for rows and documents.

Checkpoints fill a disk within minutes where the network is too slow for them, and then the rows, which
are a thousandth of their size, would be lost as well. So a large artifact is refused when it would
leave less than the reserve.
"""

from __future__ import annotations

import errno
import os

from lab_workbook.protocol import _spec


def check(path: str, name: str) -> None:
    """
    Refuse a file that was just written, if it is large and has taken what rows need.

    How large it would become is known to nobody before: `torch.save` writes files itself.

    Raises:
        OSError: it has, and is to be removed.
    """
    if name.endswith(_spec.KIND_JSON_SUFFIX) or os.stat(path).st_size <= _spec.SPOOL_SMALL_BYTES:
        return
    disk = os.statvfs(path)
    reserve = min(_spec.SPOOL_RESERVE_BYTES, disk.f_blocks * disk.f_frsize // _spec.SPOOL_RESERVE_DIVISOR)
    if disk.f_bavail * disk.f_frsize < reserve:
        reason = f"the last {reserve >> 10} KiB of the disk of the spool are kept for rows and documents"
        raise OSError(errno.ENOSPC, reason, path)
