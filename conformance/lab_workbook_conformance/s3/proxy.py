"""
A proxy on the loopback before an S3 server: it records all, and hurts what it is told to hurt.

>>> with Proxy("http://127.0.0.1:5000") as proxy:
...     with proxy.fault(faults.answer(503, "SlowDown"), method="PUT", key="*.csv"):
...         ...
...     proxy.seen[-1].status

What no rule speaks of is passed on byte for byte, its Host header included, so that signatures made
for the proxy's address stay valid. Every request is recorded, and so is what became of it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fnmatch
import http.client
import http.server
import itertools
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

# A slow link delivers a body in pieces of this size.
_PIECE_BYTES = 64 * 1024


class Answer(NamedTuple):
    """What a server answers."""

    status: int
    reason: str
    headers: list[tuple[str, str]]
    body: bytes


@dataclasses.dataclass
class Seen:
    """
    A request that came, and what became of it; ``stored`` counts the writes that the server took.

    ``at`` is when it came, ``forwarded`` when the server had answered, and ``told`` when the client was about
    to hear of it, in seconds of `time.monotonic`.
    """

    method: str
    key: str
    query: str
    headers: dict[str, str]
    body: bytes
    at: float
    # What the client was told, and what the server said.
    status: int | None = None
    outcome: int | None = None
    stored: int | None = None
    forwarded: float | None = None
    told: float | None = None

    @property
    def size(self) -> int:
        """How many bytes the request carried."""
        return len(self.body)

    @property
    def content(self) -> bytes:
        """What was put; a body that was signed piece by piece has more in it than that."""
        if "x-amz-decoded-content-length" not in self.headers:
            return self.body
        pieces, rest = [], self.body
        while rest:
            size, _, rest = rest.partition(b"\r\n")
            length = int(size.partition(b";")[0], 16)
            if not length:
                break
            pieces.append(rest[:length])
            rest = rest[length + 2 :]
        return b"".join(pieces)


class Exchange:
    """One request on its way: a fault decides what happens to it."""

    def __init__(self, proxy: Proxy, handler: http.server.BaseHTTPRequestHandler, seen: Seen) -> None:
        self.seen = seen
        self.rule: Rule | None = None
        self._proxy = proxy
        self._handler = handler

    def forward(self) -> Answer:
        """Ask the server, and return what it says."""
        answer = self._proxy.ask(
            self._handler.command, self._handler.path, self._handler.headers, self.seen.body
        )
        # An upload in parts becomes an object when it is completed.
        is_whole = self.seen.method == "POST" and "uploadId=" in self.seen.query
        if (self.seen.method == "PUT" or is_whole) and answer.status < 300:
            self.seen.stored = next(self._proxy.stored)
        self.seen.outcome, self.seen.forwarded = answer.status, time.monotonic()
        return answer

    def reply(self, answer: Answer) -> None:
        """Give the client an answer."""
        self.seen.status, self.seen.told = answer.status, time.monotonic()
        handler = self._handler
        handler.send_response_only(answer.status, answer.reason)
        has_length = False
        for name, value in answer.headers:
            if name.lower() in ("transfer-encoding", "connection"):
                continue
            has_length |= name.lower() == "content-length"
            handler.send_header(name, value)
        if not has_length and answer.status not in (204, 304):
            handler.send_header("Content-Length", str(len(answer.body)))
        handler.end_headers()
        handler.wfile.write(answer.body)
        handler.wfile.flush()

    def send(self, data: bytes) -> None:
        """Give the client some bytes, whatever they mean."""
        self._handler.wfile.write(data)
        self._handler.wfile.flush()

    def reset(self) -> None:
        """Cut the connection as a router does that has forgotten it."""
        connection = self._handler.connection
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._handler.close_connection = True
        self._drop()

    def hold(self) -> None:
        """Say nothing until the fault is lifted or the client has given up."""
        connection = self._handler.connection
        connection.settimeout(0.05)
        while not self.is_lifted():
            with contextlib.suppress(TimeoutError):
                if not connection.recv(65536):
                    break
        self._handler.close_connection = True

    def wait_until_lifted(self) -> None:
        """Wait for the end of the fault, whatever the client does."""
        while not self.is_lifted():
            time.sleep(0.02)

    def is_lifted(self) -> bool:
        return self._proxy.is_closed or self.rule is None or self.rule.is_lifted

    def _drop(self) -> None:
        # The file objects of the handler hold the socket open until they are closed as well.
        for each in (self._handler.wfile, self._handler.rfile, self._handler.connection):
            with contextlib.suppress(OSError):
                each.close()


Fault = Callable[[Exchange], None]


@dataclasses.dataclass
class Rule:
    """Which requests a fault meets: all that match, from the ``first`` on, ``times`` of them."""

    fault: Fault
    method: str = "*"
    key: str = "*"
    query: str = "*"
    first: int = 1
    times: float = float("inf")
    matched: int = 0
    is_lifted: bool = False

    def meets(self, seen: Seen) -> bool:
        told = ((self.method, seen.method), (self.key, seen.key), (self.query, seen.query))
        if self.is_lifted or not all(fnmatch.fnmatchcase(text, pattern) for pattern, text in told):
            return False
        self.matched += 1
        return self.first <= self.matched < self.first + self.times

    @property
    def hits(self) -> int:
        """How many requests it has met."""
        return int(max(0, min(self.matched - self.first + 1, self.times)))


class Proxy:
    """
    The proxy, listening from ``with`` on; ``url`` is what clients use.

    With ``bytes_per_second`` each connection is a slow link: bodies are read at that rate.
    """

    def __init__(self, server: str, *, bytes_per_second: float = float("inf")) -> None:
        parts = urlsplit(server)
        self._host, self._port = str(parts.hostname), parts.port or 80
        self._lock = threading.Lock()
        self._rules: list[Rule] = []
        self.seen: list[Seen] = []
        self.stored = itertools.count(1)
        self.is_closed = False
        self.bytes_per_second = bytes_per_second
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Proxy:  # noqa: PYI034 - Self came with Python 3.11
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.is_closed = True
        self._server.shutdown()
        self._server.server_close()

    @contextlib.contextmanager
    def fault(self, fault: Fault, **which: Any) -> Iterator[Rule]:
        """Let a fault rule for the length of a ``with``; the newest rule goes first."""
        rule = Rule(fault, **which)
        with self._lock:
            self._rules.insert(0, rule)
        try:
            yield rule
        finally:
            rule.is_lifted = True
            with self._lock:
                self._rules.remove(rule)

    def requests(self, pattern: str = "*") -> list[Seen]:
        """Return the requests for some keys, in the order in which they began to arrive."""
        with self._lock:
            return [seen for seen in self.seen if fnmatch.fnmatchcase(seen.key, pattern)]

    def puts(self, pattern: str = "*") -> list[Seen]:
        """Return the writes that the server took, in the order in which it took them."""
        with self._lock:
            taken = [seen for seen in self.seen if seen.stored and fnmatch.fnmatchcase(seen.key, pattern)]
        return sorted(taken, key=lambda seen: seen.stored or 0)

    def record(self, seen: Seen) -> None:
        """Record a request whose head has come."""
        with self._lock:
            self.seen.append(seen)

    def take(self, exchange: Exchange) -> None:
        """Do with a request what the rules say."""
        with self._lock:
            rule = next((rule for rule in self._rules if rule.meets(exchange.seen)), None)
        exchange.rule = rule
        if rule is None:
            exchange.reply(exchange.forward())
        else:
            rule.fault(exchange)

    def ask(self, method: str, path: str, headers: Any, body: bytes) -> Answer:
        """Pass a request on to the server."""
        connection = http.client.HTTPConnection(self._host, self._port, timeout=60)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in headers.items():
                if name.lower() not in ("connection", "expect", "transfer-encoding"):
                    connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            return Answer(answer.status, answer.reason, answer.getheaders(), answer.read())
        finally:
            connection.close()


def _handler(proxy: Proxy) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Two small writes must not wait for each other's acknowledgement.
        disable_nagle_algorithm = True

        def handle(self) -> None:
            # A client that gives up is what half of the tests are about.
            with contextlib.suppress(OSError, ValueError):
                super().handle()

        def finish(self) -> None:
            with contextlib.suppress(OSError, ValueError):
                super().finish()

        def log_message(self, *_arguments: object) -> None:
            pass

        def take(self) -> None:
            path, _, query = self.path.partition("?")
            headers = {name.lower(): value for name, value in self.headers.items()}
            key = unquote(path).lstrip("/").partition("/")[2]
            seen = Seen(self.command, key, query, headers, b"", time.monotonic())
            proxy.record(seen)
            seen.body = b"".join(self.pieces(int(self.headers.get("Content-Length") or 0)))
            proxy.take(Exchange(proxy, self, seen))

        def pieces(self, length: int) -> Iterator[bytes]:
            """Read a body, no faster than the link of the proxy is."""
            began, got = time.monotonic(), 0
            while got < length and (piece := self.rfile.read(min(_PIECE_BYTES, length - got))):
                got += len(piece)
                time.sleep(max(0.0, began + got / proxy.bytes_per_second - time.monotonic()))
                yield piece

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = take  # noqa: N815 - http.server's names

    return Handler
