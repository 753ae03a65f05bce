"""What a stranger could write into an experiment, and how to see what became of it in HTML."""

from __future__ import annotations

import json
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

from hypothesis import strategies as st
from lab_workbook import Experiment, ExperimentRepository

_PIECES = [
    "<script>alert(1)</script>",
    "</script>",
    "</style>",
    "</title>",
    "</pre>",
    "<!--",
    "-->",
    "<img src=x onerror=alert(1)>",
    "'",
    '"',
    "&lt;",
    "&",
    "`",
    "{{ 7 * 7 }}",
    "{% raw %}",
    "]]>",
    "\n",
    "\t",
    "\r",
    "\0",
    "\x1b[31m",
    "\x85",
    "\u2028",
    "\u2029",
    "\u200f",
    "\u202e",
    "\u2066",
    "\ufeff",
    "\ud800",
    "\uffff",
]


def texts() -> st.SearchStrategy[str]:
    """Texts that want to be more than text."""
    pieces = st.sampled_from(_PIECES) | st.characters(categories=["L", "N", "P", "S", "Z", "C"])
    return st.lists(pieces, min_size=1, max_size=8).map("".join)


def experiment(root: Path, text: str) -> Experiment:
    """Make an experiment in which ``text`` stands wherever a writer's text can stand."""
    begin = {
        "protocol": "lab-workbook 1.1",
        "tag": "A",
        "writer": text,
        "runtime": text,
        "host": text,
        "command": text,
        "started": "2016-02-12T21:49:00Z",
        "note": text,
    }
    end = {
        "ended": "2016-02-12T22:17:34Z",
        "outcome": "failed",
        "error": {"type": text, "message": text},
        "lost": {},
        "files": {},
    }
    header = text.encode(errors="replace").replace(b'"', b'""')
    files = {
        ".lab-workbook/begin.json": json.dumps(begin).encode(),
        ".lab-workbook/end.json": json.dumps(end).encode(),
        "options.json": json.dumps({f"{text} 1": text, "list": [text], "nested": {f"{text} 2": 1}}).encode(),
        "log.csv": b'"%b 1","%b 2","%b 3",Date\n' % (header, header, header)
        + b'1,2.5,"%b",2016-02-12T22:17:34Z\n2,3.5,"",2016-02-12T22:17:35Z\n' % header,
        "Source.git-patch": f"+{text}\n-{text}\n@@ {text}\n".encode(errors="surrogatepass"),
        "Source.git-current-commit": text.encode(errors="surrogatepass"),
        _file_name(text): b"",
    }
    for name, data in files.items():
        path = root / "A" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return ExperimentRepository(root)["A"]


class Elements(HTMLParser):
    """The elements of a page, with the names of their attributes, and all of its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: Counter[tuple[str, ...]] = Counter()
        self.texts: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found[(tag, *(name for name, _ in attrs))] += 1

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return "".join(self.texts)


def _file_name(text: str) -> str:
    allowed = "".join(each for each in text if each not in "/\0" and not "\ud800" <= each <= "\udfff")
    return f"{allowed[:50]}.txt"
