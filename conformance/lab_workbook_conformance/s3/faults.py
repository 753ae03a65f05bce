"""
An S3 server on a bad day: what may happen to a request that a rule of the proxy meets.

Each fault does what it likes with an `Exchange`: it forwards the request or not, and answers or not.
"""

from __future__ import annotations

import time

from lab_workbook_conformance.s3.proxy import Answer, Exchange, Fault


def answer(status: int, code: str, message: str = "by order of a test") -> Fault:
    """The server says no, and does nothing."""
    body = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"

    def fault(exchange: Exchange) -> None:
        text = b"" if exchange.seen.method == "HEAD" else body.encode()
        exchange.reply(Answer(status, code, [("Content-Type", "application/xml")], text))

    return fault


def reset(exchange: Exchange) -> None:
    """The connection is cut before the server hears of the request."""
    exchange.reset()


def reset_after_storing(exchange: Exchange) -> None:
    """The server does what it is asked, and the answer is lost."""
    exchange.forward()
    exchange.reset()


def stall(exchange: Exchange) -> None:
    """Nobody answers, and nobody hangs up, until the fault is lifted."""
    exchange.hold()


def delay(seconds: float) -> Fault:
    """Everything works, slowly."""

    def fault(exchange: Exchange) -> None:
        time.sleep(seconds)
        exchange.reply(exchange.forward())

    return fault


def late(exchange: Exchange) -> None:
    """The client hears of a broken connection; the request arrives when the fault is lifted."""
    exchange.reset()
    exchange.wait_until_lifted()
    exchange.forward()


def truncate(exchange: Exchange) -> None:
    """The server does what it is asked, and its answer breaks off in the middle of a line."""
    exchange.forward()
    exchange.send(b"HTTP/1.1 200 O")
    exchange.reset()


def store_and_deny(exchange: Exchange) -> None:
    """The server does what it is asked and answers the repetition that something on the way has made."""
    stored = exchange.forward()
    if "if-none-match" in exchange.seen.headers and stored.status < 300:
        answer(412, "PreconditionFailed")(exchange)
    else:
        exchange.reply(stored)


def refuse_overwrites(exchange: Exchange) -> None:
    """The bucket's policy allows no write without ``If-None-Match: *``, as AWS describes it."""
    seen = exchange.seen
    is_write = (seen.method == "PUT" and "partNumber=" not in seen.query) or "uploadId=" in seen.query
    is_part = "partNumber=" in seen.query or seen.method == "DELETE" or "uploads" in seen.query.split("&")
    if is_write and not is_part and seen.headers.get("if-none-match") != "*":
        answer(403, "AccessDenied")(exchange)
    else:
        exchange.reply(exchange.forward())
