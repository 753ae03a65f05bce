"""
The answers by which S3 sends a client to the region of a bucket, as faults for the proxy.

Amazon S3 User Guide, "Making requests to Amazon S3 using the REST API" and "Troubleshooting: HTTP 307".
"""

from __future__ import annotations

from lab_workbook_conformance.s3.proxy import Answer, Exchange, Fault

REGION = "eu-central-1"
ELSEWHERE = "https://login.example.org/welcome"


def to_region(status: int, code: str, *, names_region: bool = True) -> Fault:
    """Send every request that is signed for another region than the bucket's to that region."""

    def fault(exchange: Exchange) -> None:
        if f"/{REGION}/s3/aws4_request" in exchange.seen.headers.get("authorization", ""):
            exchange.reply(exchange.forward())
            return
        headers = [("x-amz-bucket-region", REGION)] if names_region else []
        _refuse(exchange, status, code, f"<Region>{REGION}</Region>", headers)

    return fault


def elsewhere(status: int, code: str) -> Fault:
    """Send every request to another server, as a captive portal does or a server that wants HTTPS."""
    return lambda exchange: _refuse(exchange, status, code, "", [("Location", ELSEWHERE)])


def login_page(exchange: Exchange) -> None:
    """Answer every request with a page, as a captive portal does that redirects nobody."""
    page = (
        b""
        if exchange.seen.method == "HEAD"
        else b"<html><head><title>Welcome</title></head><body>Please log in.</body></html>"
    )
    exchange.reply(Answer(200, "OK", [("Content-Type", "text/html")], page))


def _refuse(exchange: Exchange, status: int, code: str, more: str, headers: list[tuple[str, str]]) -> None:
    body = (
        f"<Error><Code>{code}</Code><Message>by order of a test</Message>{more}</Error>" if code else "moved"
    )
    text = b"" if exchange.seen.method == "HEAD" else body.encode()
    kind = "application/xml" if code else "text/html"
    exchange.reply(Answer(status, code, [("Content-Type", kind), *headers], text))
