"""
An S3 server that takes everything and keeps next to nothing, for files that are too large to keep.

>>> with Discarding() as server:
...     ...
...     server.puts("*/model.pt")
"""

from __future__ import annotations

import contextlib
import fnmatch
import http.server
import re
import threading
import time
from types import TracebackType
from typing import NamedTuple
from urllib.parse import unquote

_BLOCK_BYTES = 1 << 20
_KEPT_BYTES = 64 << 10


class Put(NamedTuple):
    """A body that came whole: its size, and its first bytes."""

    key: str
    query: str
    size: int
    head: bytes
    at: float


class Discarding:
    """The server, listening from ``with`` on; ``url`` is what clients use."""

    def __init__(self) -> None:
        self.taken: list[Put] = []
        self._server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), type("Handler", (_Handler,), {"taken": self.taken})
        )
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Discarding:  # noqa: PYI034 - Self came with Python 3.11
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def puts(self, pattern: str) -> list[Put]:
        """Return the bodies that came for such keys, parts of multipart uploads included."""
        return [put for put in list(self.taken) if fnmatch.fnmatchcase(put.key, pattern)]


class _Handler(http.server.BaseHTTPRequestHandler):
    taken: list[Put]
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def handle(self) -> None:
        # A client that has ended is no fault.
        with contextlib.suppress(OSError):
            super().handle()

    def log_message(self, *_arguments: object) -> None:
        pass

    def do_PUT(self) -> None:
        size, head = self._read()
        key, query = self._asked()
        self.taken.append(Put(key, query, size, head, time.monotonic()))
        self._answer(200, b"", ETag='"nothing-is-kept"')

    def do_POST(self) -> None:
        self._read()
        kind = "Complete" if "uploadId=" in self._asked()[1] else "Initiate"
        rest = "<UploadId>1</UploadId><ETag>nothing-is-kept</ETag>"
        name = f"{kind}MultipartUploadResult"
        self._answer(200, f"<{name}>{rest}</{name}>".encode())

    def do_DELETE(self) -> None:
        self._answer(204, b"")

    def do_GET(self) -> None:
        self._answer(404, b"<Error><Code>NoSuchKey</Code><Message>nothing is kept</Message></Error>")

    def _asked(self) -> tuple[str, str]:
        path, _, query = self.path.partition("?")
        return re.sub("^/[^/]*/", "", unquote(path)), query

    def _read(self) -> tuple[int, bytes]:
        size = left = int(self.headers.get("Content-Length") or 0)
        head = b""
        while left:
            block = self.rfile.read(min(left, _BLOCK_BYTES))
            if not block:
                raise ConnectionError("a body broke off")
            head = (head + block)[:_KEPT_BYTES] if len(head) < _KEPT_BYTES else head
            left -= len(block)
        return size, head

    def _answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response_only(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
