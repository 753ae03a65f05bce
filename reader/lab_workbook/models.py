"""
Models: artifacts that are too large to be fetched for a look at their name.

>>> model = experiment["model.t7"]
>>> model
<Model: model.t7, 46,827,520 bytes>
>>> model.state_dict()["0.weight"].shape
(64, 3, 7, 7)

A model of a stranger is data: no function is called that a file names, in no format.

| suffix | ``load()`` gives | needs |
| --- | --- | --- |
| ``.t7`` | what `lab_workbook.t7` says: numpy arrays and plain Python | nothing |
| ``.pt`` | what ``torch.load(..., weights_only=True)`` gives, on the CPU | torch 2.6 |
| ``.safetensors`` | a dict of numpy arrays | safetensors |
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import io
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from typing import IO, Any, Final

from lab_workbook import artifact
from lab_workbook.errors import ArtifactNotFound, LabWorkbookError, Unreadable
from lab_workbook.protocol import _spec
from lab_workbook.protocol.private import replacing
from lab_workbook.protocol.text import printable
from lab_workbook.store import Reads

# No kind of the protocol, which knows it as a file; but who saves one wants it back as a model.
_SUFFIXES: Final = (_spec.KIND_TORCH7_SUFFIX, _spec.KIND_PYTORCH_SUFFIX, _spec.TENSORS_SUFFIX)

# Before that, what weights_only lets through could run code (CVE-2025-32434).
_SAFE_TORCH: Final = (2, 6)
_PIECE: Final = 2**18


class Model:
    """
    A model that was saved as an artifact; nothing of it is fetched before it is asked for.

    ``name`` is that of the artifact, ``size`` its bytes, and ``sha256`` what end.json lists, or None.
    Whatever is read is compared with that.
    """

    def __init__(
        self, name: str, chunks: Callable[[], Iterator[bytes]], size: int, sha256: str | None = None
    ) -> None:
        self.name = name
        self.size = size
        self.sha256 = sha256
        self._chunks = chunks

    def __repr__(self) -> str:
        return f"<Model: {printable(self.name)}, {self.size:,} bytes>"

    def load(self) -> Any:
        """
        Return what is in it: arrays, tables, tensors. What came with it as code is not run.

        A ``.t7`` is read as it arrives, without a second copy in memory; the others go through a
        temporary file. Of another machine's ``.t7`` ask ``t7.load(model.open(), format=...)``.

        Raises:
            ArtifactNotFound: it is not there any more.
            Unreadable: it is not what its name says, or not what was written.
            LabWorkbookError: a package is missing, or too old; the message says what to install.
        """
        if self.name.endswith(_spec.KIND_TORCH7_SUFFIX):
            return self._load_t7()
        if self.name.endswith(_spec.KIND_PYTORCH_SUFFIX):
            return self._load_pt()
        return self._load_safetensors()

    def state_dict(self) -> dict[str, Any]:
        """
        Return its parameters by names like PyTorch's, as `lab_workbook.t7.state_dict` makes them.

        >>> model.state_dict().keys()
        dict_keys(['0.weight', '0.bias'])

        Raises: as `load` does.
        """
        from lab_workbook import t7

        return t7.state_dict(self.load())

    def save(self, path: str | os.PathLike[str]) -> None:
        """
        Put a copy of it into a file, which is there when it is whole.

        >>> experiment["model.pt"].save("/tmp/model.pt")
        """
        with replacing(os.fspath(path)) as file:
            self._copy(file)

    def open(self) -> IO[bytes]:
        """
        Return its bytes as a stream, which can be read forwards alone.

        >>> with experiment["model.t7"].open() as stream:
        ...     model = t7.load(stream, format="ascii")

        The end is only reached if all bytes are those that were written.
        """
        return io.BufferedReader(_Checked(self), _PIECE)

    def read_bytes(self) -> bytes:
        """Return all of its bytes, if they are those that were written."""
        with self.open() as stream:
            return stream.read()

    def __bytes__(self) -> bytes:
        return self.read_bytes()

    def _load_t7(self) -> Any:
        from lab_workbook import t7

        with self.open() as stream:
            try:
                value = t7.load(stream)
                # To its end, where what was read is compared with what was written.
                while stream.read(_PIECE):
                    pass
            except Unreadable as error:
                raise Unreadable(f"{self.name}: {error}") from None
            return value

    def _load_pt(self) -> Any:
        torch = _imported("torch", "torch")
        if _version(torch) < _SAFE_TORCH:
            raise LabWorkbookError(
                f"reading {self.name} needs torch 2.6 or newer, because before that a model could run code;"
                f" here is {torch.__version__}. `.save(path)` gives the file"
            )
        with self._file() as path:
            try:
                return torch.load(path, map_location="cpu", weights_only=True)
            except Exception as error:
                # What it raises depends on what the file holds.
                raise self._refused("torch.load with weights_only=True", error) from error

    def _load_safetensors(self) -> Any:
        numpy = _imported("safetensors.numpy", "lab-workbook[models]")
        with self._file() as path:
            try:
                return numpy.load_file(path)
            except Exception as error:
                raise self._refused("safetensors.numpy", error) from error

    def _refused(self, by: str, error: Exception) -> Unreadable:
        first_line = (str(error).splitlines() or [""])[0]
        return Unreadable(
            f"{self.name} cannot be read by {by}: {type(error).__name__}: {first_line!r}."
            " `.save(path)` gives the file as it is"
        )

    @contextlib.contextmanager
    def _file(self) -> Iterator[str]:
        with tempfile.NamedTemporaryFile() as file:
            self._copy(file)
            file.flush()
            yield file.name

    def _copy(self, file: Any) -> None:
        with self.open() as stream:
            shutil.copyfileobj(stream, file, _PIECE)

    def difference(self, size: int, digest: str) -> str:
        """Return in words how bytes of this size and sha256 differ from its own; nothing if they do not."""
        if size != self.size:
            return f"has {size} bytes, and had {self.size}"
        return "has other bytes than" if self.sha256 not in (None, digest) else ""


class _Checked(io.RawIOBase):
    """The bytes of a model, which have to be all there and the right ones when it ends."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self._model = model
        self._chunks = model._chunks()  # noqa: SLF001 - it is part of the model
        self._rest = memoryview(b"")
        self._size = 0
        self._digest = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._rest:
            self._rest = memoryview(self._next())
            self._size += len(self._rest)
            self._digest.update(self._rest)
            if not self._rest:
                self._check()
        target = memoryview(buffer).cast("B")
        taken = self._rest[: len(target)]
        self._rest = self._rest[len(taken) :]
        target[: len(taken)] = taken
        return len(taken)

    def _next(self) -> bytes:
        try:
            return next(self._chunks, b"")
        except KeyError:
            raise ArtifactNotFound(
                f"{self._model.name!r} is gone: it was there when it was asked for"
            ) from None

    def _check(self) -> None:
        difference = self._model.difference(self._size, self._digest.hexdigest())
        if difference:
            name = self._model.name
            raise Unreadable(
                f"{name} {difference} when the experiment ended: it was changed or not copied whole."
                f" `experiment.read_bytes({name!r})` gives it as it is"
            )


def is_model(name: str) -> bool:
    """Say whether an artifact of this name is a model."""
    return name.endswith(_SUFFIXES)


def find(store: Reads, tag: str, name: str, end: Mapping[str, Any]) -> Model | None:
    """Return a model of an experiment, by a listing alone; None if there is none of this name."""
    key = f"{tag}/{name}"
    # The name itself is listed before all that are longer.
    entry = next(iter(store.keys(key)), None)
    if entry is None or entry.key != key:
        return None
    size = artifact.listed_bytes(end, name)
    digest = end["files"][name].get("sha256") if size is not None else None
    return Model(
        name,
        lambda: store.chunks(key),
        entry.size if size is None else size,
        digest if isinstance(digest, str) else None,
    )


def of_bytes(name: str, data: bytes) -> Model:
    """Return a model whose bytes are there already."""
    return Model(name, lambda: iter((data,)), len(data))


def _imported(module: str, package: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise LabWorkbookError(
            f"this needs {module.partition('.')[0]}, which is not installed here: pip install '{package}'."
            " `.save(path)` gives the file, and `.read_bytes()` its bytes"
        ) from error


def _version(torch: Any) -> tuple[int, ...]:
    return tuple(int(part) for part in str(torch.__version__).split(".")[:2] if part.isdigit())
