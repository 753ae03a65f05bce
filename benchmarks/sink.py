"""
A server that answers every S3 request at once and keeps nothing but keys, so that a client's own cost shows.

    python -m benchmarks.sink PORT

PUT with ``If-None-Match`` is refused where the key exists, as in S3. Everything else succeeds.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import Iterator

from lab_workbook_conformance.s3 import server

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_ANSWER = b'HTTP/1.1 %b\r\nContent-Length: 0\r\nETag: "0"\r\n\r\n'


@contextlib.contextmanager
def running() -> Iterator[str]:
    """Run the sink as a process of its own for the length of a ``with``; yields its URL."""
    port = server.free_port()
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.sink", str(port)])
    try:
        server.wait_for(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


async def _serve(port: int) -> None:
    keys: set[bytes] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                await _answer(head, keys, reader, writer)
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", port) as listener:
        await listener.serve_forever()


async def _answer(
    head: bytes, keys: set[bytes], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    request, *lines = head.split(b"\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)}
    if b"expect" in headers:
        writer.write(_CONTINUE)
    await reader.readexactly(int(headers.get(b"content-length", b"0")))
    key = request.split(b" ")[1]
    exists = b"if-none-match" in headers and key in keys
    keys.add(key)
    writer.write(_ANSWER % (b"412 Precondition Failed" if exists else b"200 OK"))
    await writer.drain()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
