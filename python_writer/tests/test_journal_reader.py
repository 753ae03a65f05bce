"""What a writer hears of its uploader, also when the uploader compacts its journal meanwhile."""

import random
import shutil

import pytest
from lab_workbook_writer.journal_reader import JournalReader
from lab_workbook_writer.news import News
from lab_workbook_writer.uploader.journal import Journal


def spool(tmp_path, name):
    (tmp_path / name / ".lab-workbook" / "tmp").mkdir(parents=True)
    return f"{tmp_path / name}/"


def heard(reader, journal):
    # Of trouble that is over nobody asks what it was.
    kinds = ("started", "trouble") if journal.trouble else ("started",)
    last = {kind: reader.last(kind) or {} for kind in kinds}
    return {
        "has": [kind for kind in ("started", "claimed", "refused", "sealed") if reader.has(kind)],
        "last": {kind: (event.get("pid"), event.get("message")) for kind, event in last.items()},
        "flushed": [number for number in range(1, 400) if reader.has_flushed(number)],
        "lost": reader.lost_artifacts,
    }


class Uploader:
    """Reports the same to two writers; the journal of one of them is compacted all the time."""

    def __init__(self, tmp_path):
        self.whole = Journal(f"{spool(tmp_path, 'whole')}.lab-workbook/journal")
        self.short = Journal(f"{spool(tmp_path, 'short')}.lab-workbook/journal", compact_at=500)
        self.flushes = 0

    def say(self, event, **more):
        for journal in (self.whole, self.short):
            journal.say(event, **more)

    def say_anything(self, draw):
        name = f"{draw.randrange(5)}.txt"
        match draw.choice(["sent", "sent", "sent", "lost", "flushed", "trouble", "recovered", "started"]):
            case "sent":
                self.say("sending", name=name, bytes=1, outbox="1")
                self.say("published", name=name, bytes=1, outbox="1", sha256="aa")
            case "lost":
                self.say("lost", name=name, message="gone")
            case "flushed":
                self.flushes += 1
                self.say("flushed", id=self.flushes)
            case "trouble":
                self.say("trouble", message=f"no route to {name}")
            case "recovered":
                self.say("recovered")
            case "started":
                self.say("started", pid=draw.randrange(9))


@pytest.mark.parametrize("seed", range(5))
def test_a_writer_hears_the_same_from_a_journal_that_is_compacted(tmp_path, seed):
    """
    However rarely it looks: what it may have missed is repeated.
    """
    draw = random.Random(seed)
    uploader = Uploader(tmp_path)
    uploader.say("claimed")
    uploader.say("started", pid=1)
    uploader.say("trouble", message="at the start")
    whole, short = (JournalReader(f"{tmp_path / name}/", News()) for name in ("whole", "short"))

    for _ in range(300):
        for _ in range(draw.choice([1, 1, 3, 60])):
            uploader.say_anything(draw)
        assert heard(short, uploader.short) == heard(whole, uploader.short)


def test_a_compaction_is_no_progress(tmp_path):
    """
    A script that waits at its end is not to wait longer for what had arrived before.
    """
    folder = spool(tmp_path, "T")
    journal = Journal(f"{folder}.lab-workbook/journal", compact_at=500)
    journal.say("claimed")
    journal.say("flushed", id=1)
    reader = JournalReader(folder, News())
    reader.read()
    before = reader.steps

    for _ in range(50):
        journal.say("trouble", message="no route")
        journal.say("claiming")
        reader.read()

    assert reader.steps == before > 0


def test_a_journal_that_is_removed_after_a_compaction_is_restored_whole(tmp_path):
    """
    It is read from the same open file, so that all that its uploader remembers is in the copy.
    """
    folder = spool(tmp_path, "T")
    reader = JournalReader(folder, News())
    reader.read()
    journal = Journal(f"{folder}.lab-workbook/journal", compact_at=500)
    for number in range(50):
        journal.say("published", name=f"{number % 3}.txt", bytes=number, outbox="1", sha256="aa")
    shutil.rmtree(folder)
    (tmp_path / "T" / ".lab-workbook" / "tmp").mkdir(parents=True)

    reader.open()

    after = Journal(f"{folder}.lab-workbook/journal")
    assert after.published == journal.published
    assert len(after.published) == 3
