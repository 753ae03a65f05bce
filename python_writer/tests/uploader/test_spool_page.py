"""
The table of events in docs/spool.md, against what is written into journals.
"""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
UPLOADER = ROOT / "python_writer" / "lab_workbook_writer" / "uploader"
WORKER = sorted((ROOT / "lua" / "lab-workbook").glob("aws*.lua"))


def described():
    """Each event of the table, with all that its lines say of its keys and their meaning."""
    page = (ROOT / "docs" / "spool.md").read_text(encoding="utf-8")
    journal = page.partition("\n## The journal\n")[2].partition("\n## ")[0]
    events = {}
    for event, keys in re.findall(r"^\| `(\w+)` \|(.*)\|$", journal, re.MULTILINE):
        events.setdefault(event, set()).update(re.findall(r"`(\w+)`", keys))
    return events


def said():
    """Each event that the uploader writes, with its keys: calls of `say`, and tables with an event."""
    events = {}
    for path in UPLOADER.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "say":
                keys = {keyword.arg for keyword in node.keywords if keyword.arg}
                events.setdefault(ast.literal_eval(node.args[0]), set()).update(keys)
            if isinstance(node, ast.Dict):
                pairs = zip(node.keys, node.values, strict=True)
                table = {getattr(key, "value", None): value for key, value in pairs}
                if isinstance(table.get("event"), ast.Constant):
                    keys = {key for key in table if key} - {"event", "requests", "bytesSent"}
                    events.setdefault(table["event"].value, set()).update(keys)
    return events


def test_the_page_has_every_event_of_the_uploader_with_its_keys_and_no_other():
    page, code = described(), said()

    assert set(code) == set(page)
    assert {event: keys - page[event] for event, keys in code.items() if keys - page[event]} == {}


def test_the_page_has_every_event_of_the_worker_in_sh():
    source = "".join(path.read_text(encoding="utf-8") for path in WORKER)

    events = set(re.findall(r"""\bsay ['"]\\?"(\w+)""", source))

    assert events >= {"started", "claiming", "claimed", "published", "flushed", "ended"}
    assert events <= set(described())


def test_a_real_journal_says_what_the_page_says(spool, bucket_prefix, make_spool):
    """
    Each key of each line is in the table, or is one of the counts that any line may have.
    """
    spool.series("loss.csv", save_every=1)
    spool.append("loss.csv", b"1,2,2016-02-12T22:17:34Z\n")
    spool.put("a.txt", b"a")
    spool.start().tell("flush", id=1)
    spool.wait_for("flushed")
    refused = make_spool(bucket_prefix, tag=spool.tag, explicit=True).start()
    refused.wait_for("refused")
    page = {event: keys | {"event", "requests", "bytesSent"} for event, keys in described().items()}

    events = spool.events() + refused.events()

    assert {event["event"] for event in events} >= {"started", "published", "flushed", "refused"}
    assert [event for event in events if set(event) - page.get(event["event"], set())] == []
