"""
How a file system spells the names of artifacts, where it does not tell all names apart.

FAT, exFAT and macOS's APFS take `train/` for `Train/` and `é` for `É`. The rule ``name.unique`` keeps names
apart by their ASCII letters only, so a file that is there may be another artifact, and must not be replaced.
"""

from __future__ import annotations

import errno
import os


class Speller:
    """The names of one experiment, below ``root``, which ends with a slash."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._folders = {"": ""}

    def check(self, name: str) -> None:
        """
        Make the folder of a new artifact, and see that its name is its own.

        Raises:
            FileExistsError: the file system takes it for the name of another artifact.
        """
        folder, _, last = self.spell(name).rpartition("/")
        place = f"{self._root}{folder}/" if folder else self._root
        if os.path.lexists(place + last) and last not in os.listdir(place):
            raise FileExistsError(
                errno.EEXIST, "another artifact has this name on a file system that ignores letter case", name
            )

    def spell(self, name: str) -> str:
        """
        Return the name of an artifact as the file system spells it.

        >>> Speller("/media/usb/runs/T/").spell("train/results.json")
        'Train/results.json'
        """
        folder, _, last = name.rpartition("/")
        if folder not in self._folders:
            self._folders[folder] = self._find_folder(folder)
        return self._folders[folder] + last

    def _find_folder(self, folder: str) -> str:
        spelled = ""
        for part in folder.split("/"):
            path = f"{self._root}{spelled}{part}"
            os.makedirs(path, exist_ok=True)
            names = os.listdir(self._root + spelled)
            same = (each for each in names if os.path.samefile(f"{self._root}{spelled}{each}", path))
            spelled += f"{part if part in names else next(same, part)}/"
        return spelled
