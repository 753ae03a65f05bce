"""
Level s3, for writers: what is asked of a server meanwhile, and what then lies in a bucket.

Each case has a proxy of its own, which records all requests; `rules` says what they may be. So each case
proves every rule of that module, and is named for the one that it is for.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from lab_workbook_conformance import answers, verdicts
from lab_workbook_conformance.bench import Bench
from lab_workbook_conformance.case import Case, Finding, shown
from lab_workbook_conformance.constants import SPEC
from lab_workbook_conformance.levels.examples import CLOSE
from lab_workbook_conformance.s3 import faults, live, rules
from lab_workbook_conformance.s3.proxy import Exchange, Fault
from lab_workbook_conformance.s3.stage import Stage
from lab_workbook_conformance.s3.story import ASKED, Story

Findings = Iterable[Finding]

_LAYOUT = SPEC["layout"]
_TAG = "baseline"
_NEW = ["newExperiment", {"tag": _TAG}]
_LOSS = ["newTimeSeriesLog", "loss", ["epoch", "loss"]]
_UPLOAD_EVERY = SPEC["config"]["environment_prefix"] + "UPLOAD_EVERY"
_FLUSH = ["flush", 20]
# Long enough for what is due after a second, on any machine.
_LONG = ["sleep", 6]
# So long that what comes after it is known not to have come before.
_SHORT = ["sleep", 1]
# How long an answer may take from the server to the script, which another process may pass on.
_HEARING = 1.0


def cases() -> Iterator[Case]:
    """Yield the cases; `heartbeat.beat-minute` is the only one that takes longer than half a minute."""
    for name, more, play in _CASES:
        rule = name.partition("-")[0]
        yield Case(name, (rule, *more), "s3", "writer", play)


def row(epoch: int) -> list[Any]:
    """Return the step that logs a row; a line feed in it shows who takes that for its end."""
    return ["log", "loss", {"epoch": epoch, "loss": "two\nlines" if epoch % 2 else 0.5}]


def _script(bench: Bench) -> Findings:
    """Play what a training script does, with time to publish in between."""
    first = [["saveJSON", "options", {"epochs": 3}], ["saveText", "notes", "first"]]
    second = [
        ["saveJSON", "options", {"epochs": 4}],
        ["saveText", "notes", "second"],
        ["saveFile", "model.bin", "x"],
    ]
    steps = [_NEW, _LOSS, *first, row(1), _FLUSH, row(2), _LONG, *second, row(3), _SHORT, CLOSE]
    with Stage(bench) as stage:
        story = stage.play(steps)
    yield from rules.finished(story, "end.last", integers=bench.integers)
    yield from _there_after(story, steps.index(_FLUSH), 1)
    yield from _there_after(story, steps.index(_LONG), 2)


def _there_after(story: Story, step: int, rows: int, name: str = "loss.csv") -> Findings:
    """Find that rows were not in the bucket when the script was told that a step is done."""
    if step not in story.acks:
        return
    expected = _rows_of(story.found.files.get(name, b""), rows)
    arrived = live.published(story, name, before=story.acks[step])
    if not arrived.startswith(expected) or not expected:
        message = f"{rows} rows of {name} should have been in the bucket after this step"
        yield Finding("series.publish", message, shown(story.found.steps[step]), shown(arrived))


def _rows_of(data: bytes, count: int) -> bytes:
    """Return a series up to the end of a row: after a Date, because no text in it ends like one."""
    ends = [at + 2 for at in range(len(data)) if data[at : at + 2] == b"Z\n"]
    return data[: ends[count - 1]] if count <= len(ends) else b""


def _publications(bench: Bench) -> Findings:
    """End 17 publications, so that one segment holds sixteen."""
    rows = [step for epoch in range(17) for step in (row(epoch), _FLUSH)]
    with Stage(bench) as stage:
        story = stage.play([_NEW, _LOSS, *rows, CLOSE])
    yield from rules.finished(story, "segments.cover", integers=bench.integers)


def _save_every(bench: Bench) -> Findings:
    """Log as many rows as are to be published together; nothing else would publish them before the end."""
    steps = [_NEW, [*_LOSS, 3], row(1), row(2), row(3), _LONG, _SHORT, CLOSE]
    with Stage(bench) as stage:
        story = stage.play(steps, environment={_UPLOAD_EVERY: "600"})
    yield from rules.finished(story, "series.publish", integers=bench.integers)
    yield from _there_after(story, steps.index(_LONG), 3)


def _fast(bench: Bench) -> Findings:
    """Log much faster than may be published."""
    rows = [
        step
        for second in range(6)
        for step in (*map(row, range(100 * second, 100 * second + 100)), ["sleep", 1])
    ]
    with Stage(bench) as stage:
        story = stage.play([_NEW, [*_LOSS, 1], *rows, CLOSE], environment={_UPLOAD_EVERY: "0.1"})
    yield from rules.finished(story, "series.publish", integers=bench.integers)
    arrived = [write.seen.at for _, write in story.segments().get("loss.csv", [])]
    seconds = arrived[-1] - arrived[0] if arrived else 0
    # The last one may come early, because the script has ended.
    if len(arrived) > seconds / SPEC["timing"]["publish_seconds"] + 2:
        yield Finding("series.publish", f"{len(arrived)} publications in {seconds:.1f} seconds")


def _places(bench: Bench) -> Findings:
    """Save under names that have to be spelled differently in a request, below a key of that kind."""
    names = [
        "with space",
        "figures/größe 雪.txt",
        "1+1=2",
        "100%25",
        "a&b;c",
        "~'()*!",
        "#?x",
        "a..b/.hidden",
    ]
    saves = [["saveText", name, f"this is {name}"] for name in names]
    series = [
        ["newTimeSeriesLog", "train/loss 50%", ["epoch"]],
        ["log", "train/loss 50%", {"epoch": 1}],
        _FLUSH,
    ]
    steps = [["newExperiment", {"tag": "my run, 2nd try"}], *saves, *series, CLOSE]
    with Stage(bench, "exp 1+1/größe") as stage:
        story = stage.play(steps)
    yield from rules.finished(story, "layout.place", integers=bench.integers)


def _at_once(bench: Bench) -> Findings:
    """Start two experiments of one tag; the server is slow, so that each claim meets the other."""
    with (
        Stage(bench) as stage,
        stage.proxy.fault(faults.delay(0.5), method="PUT", key=f"*/{_LAYOUT['begin']}"),
    ):
        plays = [[_NEW, ["saveText", "who", who], ["saveText", f"only-{who}", who], CLOSE] for who in "ab"]
        with stage.another() as one, stage.another() as other, ThreadPoolExecutor() as pool:
            # Both are there before either begins.
            list(pool.map(lambda bench: bench.hello, (one, other)))
            stories = list(pool.map(stage.play_with, (one, other), plays))
        files = stage.there(_TAG)
    yield from _one_wins(stories, files)


def _one_wins(stories: list[Story], files: dict[str, bytes]) -> Findings:
    """Find that both have the tag, or neither; and that whoever has it not was not told, or wrote to it."""
    kept = files.get("who", b"").decode()
    winners = [story for story in stories if story.found.is_done and story.found.steps[1][2] == kept]
    if len(winners) != 1:
        answers = ", ".join(story.found.answer for story in stories)
        yield Finding("tag.claim", "exactly one of two experiments gets a tag", shown(_NEW), answers)
        return
    (winner,) = winners
    (loser,) = [story for story in stories if story is not winner]
    yield from rules.tag_claim(winner)
    yield from rules.begin_first(winner)
    if len(winner.puts(_LAYOUT["begin"])) > 1 or f"only-{loser.found.steps[1][2]}" in files:
        yield Finding("tag.claim", "whoever came second has written to the experiment", "", "\n".join(files))
    if not (loser.found.is_done and _went_on(loser)):
        yield from verdicts.refused(_claimed(loser), "tag.claim")


def _went_on(story: Story) -> bool:
    """Say whether a script was let go on before its claim was refused, after as long as a claim may take."""
    if 0 not in story.acks:
        return False
    claims = [write for write in story.writes if write.name == _LAYOUT["begin"] and not write.is_taken]
    is_late = all((claim.seen.told or story.acks[0]) > story.acks[0] - _HEARING for claim in claims)
    return is_late and story.acks[0] - story.acks[ASKED] >= SPEC["timing"]["claim_seconds"]


def _claimed(story: Story) -> Any:
    """Return the recording of whoever was refused, as if that had been all: nothing there is its own."""
    return story.found._replace(steps=story.found.steps[:1], experiments={})


def _under(fault: Fault, *, rule: str, steps: list[Any], **which: Any) -> Any:
    """Return a play under a fault, which a writer has to survive without anybody noticing."""

    def play(bench: Bench) -> Findings:
        with Stage(bench) as stage, stage.proxy.fault(fault, method="PUT", **which):
            story = stage.play(steps)
        yield from rules.finished(story, rule, integers=bench.integers)

    return play


def _continued(bench: Bench) -> Findings:
    """Go on after calls that are refused, of which nothing may reach the bucket."""
    steps = [
        _NEW,
        _LOSS,
        row(1),
        ["log", "loss", {"epoch": 2, "loss": [1]}],
        ["saveJSON", "options", {"epochs": 3}],
        ["saveJSON", "options", {"epochs": [1, {"$cycle": 1}]}],
        ["saveText", "notes/", "x"],
        _FLUSH,
        ["newTimeSeriesLog", "loss", ["x"]],
        ["saveText", "loss.csv", "x"],
        ["saveText", "notes", "x"],
        row(3),
        CLOSE,
        ["saveText", "late", "x"],
        CLOSE,
    ]
    refused = {
        3: "series.value",
        5: "json.depth",
        6: "name.parts",
        8: "series.once",
        9: "series.once",
        13: "end.last",
    }
    with Stage(bench) as stage:
        story = stage.play(steps, continues=True)
    yield from verdicts.refusals(story.found, refused)
    yield from verdicts.unexpected(story.found, refused, "misuse.trace")
    rest = story._replace(found=story.found.without(refused))
    yield from rules.finished(rest, "misuse.trace", integers=bench.integers)
    made = sorted(name for name in rest.found.files if answers.is_listed(name))
    if rest.found.is_done and made != ["loss.csv", "notes", "options.json"]:
        yield Finding("misuse.trace", "a refused call has left an object", shown(steps), ", ".join(made))


def _lost_answers(bench: Bench) -> Findings:
    """Lose the answer to the first put of each object that is created: "exists already" is then our own."""
    steps = [_NEW, _LOSS, row(1), ["saveText", "notes", "x"], _LONG, row(2), CLOSE]
    with Stage(bench) as stage, contextlib.ExitStack() as losses:
        for name in (_LAYOUT["begin"], f"{_LAYOUT['segments']}*", "notes", _LAYOUT["end"]):
            lost = stage.proxy.fault(faults.reset_after_storing, method="PUT", key=f"*/{name}", times=1)
            losses.enter_context(lost)
        story = stage.play(steps)
    for finding in rules.finished(story, "tag.claim", integers=bench.integers):
        # A put whose answer was lost is not over for its sender, so nothing shows what came after it.
        if finding.rule != "segments.first":
            yield finding


def _killed(bench: Bench) -> Findings:
    """Kill the writer's process group after a flush: what had arrived stays, and nothing contradicts it."""
    steps = [
        _NEW,
        _LOSS,
        row(1),
        row(2),
        ["saveText", "notes", "x"],
        _FLUSH,
        row(3),
        ["sleep", 600],
        CLOSE,
    ]
    seen: dict[str, bytes] = {}
    with Stage(bench) as stage:
        story = stage.play_until(steps, steps.index(_FLUSH) + 1, lambda: seen.update(stage.there(_TAG)))
    yield from rules.requests(story)
    yield from verdicts.sound(story.found)
    before, after = live.rows(seen, "loss.csv"), live.rows(story.found.files, "loss.csv")
    if not _rows_of(before, 2):
        yield Finding(
            "series.publish", "two rows should have been in the bucket after the flush", "", shown(before)
        )
    if not after.startswith(before):
        yield Finding("segments.rows", "rows that were there are gone", shown(before), shown(after))
    end = verdicts.document(story.found.files, "end")
    if end is not None and end.get("outcome") != SPEC["outcome"]["interrupted"]:
        yield Finding("end.outcome", "the script was killed", "", shown(str(end.get("outcome"))))


def _minute(bench: Bench) -> Findings:
    """Live longer than a minute: the heart beats on, and segments that nobody needs may go."""
    rows = [step for epoch in range(3) for step in (row(epoch), _FLUSH)]
    steps = [_NEW, _LOSS, *rows, *[["sleep", 10]] * 8, row(3), _FLUSH, CLOSE]
    with Stage(bench) as stage:
        story = stage.play(steps)
    yield from rules.finished(story, "heartbeat.beat", integers=bench.integers)
    yield from rules.heartbeat_goes_on(story)


def _slowly(exchange: Exchange) -> None:
    """The older a version, the longer it is under way."""
    slow = {b"one": 3.0, b"two": 1.5}
    faults.delay(slow.get(exchange.seen.content, 0))(exchange)


_ARRIVED = [["saveText", "notes", "zero"], ["sleep", 3]]
_VERSIONS = [step for text in ("one", "two", "three") for step in (["saveText", "notes", text], ["sleep", 1])]
_SAVED_TWICE = [
    ["saveText", "notes", "one"],
    _LOSS,
    row(1),
    _LONG,
    ["saveText", "notes", "two"],
    row(2),
    _LONG,
]
_SEGMENTS = ("segments.key", "segments.rows", "segments.refresh", "segments.delete", "segments.first")
_ENDS = ("begin.first", "end.files", "end.delivery", "kind.content-type", "layout.working")

_CASES: tuple[tuple[str, tuple[str, ...], Any], ...] = (
    ("end.last-bucket", (*_ENDS, *_SEGMENTS, "heartbeat.document", "heartbeat.beat"), _script),
    ("layout.place-bucket", ("segments.key",), _places),
    ("tag.claim-at-once", ("begin.first",), _at_once),
    ("tag.claim-answer-lost", ("segments.rows", "end.last"), _lost_answers),
    ("misuse.trace-bucket", ("end.last",), _continued),
    ("segments.cover-16", ("segments.rows", "segments.refresh"), _publications),
    ("series.publish-rows", (), _save_every),
    ("series.publish-fast", (), _fast),
    (
        "kind.replace-slow",
        ("end.last",),
        _under(
            _slowly, rule="kind.replace", steps=[_NEW, *_ARRIVED, *_VERSIONS, _LONG, CLOSE], key="*/notes"
        ),
    ),
    (
        "segments.first-refused",
        ("heartbeat.document", "end.files"),
        _under(faults.refuse_overwrites, rule="segments.first", steps=[_NEW, *_SAVED_TWICE, CLOSE]),
    ),
    ("end.outcome-killed", ("segments.rows", "series.publish"), _killed),
    ("heartbeat.beat-minute", ("heartbeat.document", "segments.delete"), _minute),
)
