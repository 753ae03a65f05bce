"""
A bucket whose listings are of an earlier moment, as those of a cache, a mirror or a gateway are.

>>> lists = LaggingLists(proxy)
>>> with lists.stopped():
...     ...

Objects are read as they are now; only what is listed is old. All writes must have gone through the proxy.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Iterator
from email.utils import formatdate
from urllib.parse import parse_qs, quote
from xml.sax.saxutils import escape

from lab_workbook_conformance.s3.proxy import Answer, Exchange, Proxy


class LaggingLists:
    """The listings of a proxy's bucket, which can be stopped at a moment."""

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy

    @contextlib.contextmanager
    def stopped(self, at: float | None = None, *, age: float = 0) -> Iterator[None]:
        """
        List what was there at a moment of `time.monotonic`, now by default, for the length of a ``with``.

        Everything is shown as if it had been stored ``age`` seconds earlier.
        """
        moment = time.monotonic() if at is None else at
        with self._proxy.fault(
            lambda exchange: self._list(exchange, moment, age), method="GET", query="*list-type=2*"
        ):
            yield

    def _objects(self, moment: float) -> dict[str, tuple[bytes, float]]:
        found: dict[str, tuple[bytes, float]] = {}
        answered = [seen for seen in list(self._proxy.seen) if seen.forwarded and seen.forwarded <= moment]
        for seen in sorted(answered, key=lambda seen: seen.forwarded or 0):
            if seen.method == "PUT" and seen.stored and "uploadId" not in seen.query:
                found[seen.key] = (seen.content, seen.forwarded or 0)
            elif seen.method == "DELETE":
                found.pop(seen.key, None)
        return found

    def _list(self, exchange: Exchange, moment: float, age: float) -> None:
        asked = {name: values[0] for name, values in parse_qs(exchange.seen.query).items()}
        prefix, after = asked.get("prefix", ""), asked.get("start-after", "")
        contents, folders = [], set()
        for key, (data, stored) in sorted(self._objects(moment).items(), key=lambda item: item[0].encode()):
            if not key.startswith(prefix) or key <= after:
                continue
            folder, slash, _ = key[len(prefix) :].partition("/")
            if asked.get("delimiter") and slash:
                folders.add(f"{prefix}{folder}/")
            else:
                contents.append(_entry(key, data, time.time() - (time.monotonic() - stored) - age))
        prefixes = [
            f"<CommonPrefixes><Prefix>{_shown(each)}</Prefix></CommonPrefixes>" for each in sorted(folders)
        ]
        body = "".join(
            [
                f"<ListBucketResult><Name>bucket</Name><Prefix>{_shown(prefix)}</Prefix>",
                f"<EncodingType>url</EncodingType><KeyCount>{len(contents) + len(folders)}</KeyCount>",
                "<IsTruncated>false</IsTruncated>",
                *contents,
                *prefixes,
                "</ListBucketResult>",
            ]
        )
        headers = [("Content-Type", "application/xml"), ("Date", formatdate(usegmt=True))]
        exchange.reply(Answer(200, "OK", headers, body.encode()))


def _entry(key: str, data: bytes, stored: float) -> str:
    modified = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(stored))
    etag = hashlib.md5(data, usedforsecurity=False).hexdigest()
    return (
        f"<Contents><Key>{_shown(key)}</Key><LastModified>{modified}</LastModified>"
        f"<ETag>&quot;{etag}&quot;</ETag><Size>{len(data)}</Size></Contents>"
    )


def _shown(key: str) -> str:
    return escape(quote(key, safe="/"))
