"""What the uploader remembers after a crash."""

from lab_workbook_writer.uploader.journal import Journal, Sent


def reopened(path):
    journal = Journal(str(path))
    journal.close()
    return journal


def test_a_journal_remembers_what_was_done(tmp_path):
    journal = Journal(str(tmp_path / "journal"))
    journal.say("started", pid=1)
    journal.say("claiming")
    journal.say("claimed")
    journal.say("published", name="a.json", bytes=3, sha256="ab", outbox="1")
    journal.say("published", name="a.json", bytes=4, sha256="cd", outbox="2")
    journal.say("published", name="loss.csv", bytes=5, sha256="ef")
    journal.say("flushed", id=7)
    journal.close()

    after = reopened(tmp_path / "journal")

    assert after.is_claimed
    assert not after.is_claim_open
    assert not after.has_ended
    assert after.published == {"a.json": Sent(4, "cd", "2"), "loss.csv": Sent(5, "ef")}
    assert 7 in after.flushed


def test_a_refused_claim_is_not_open(tmp_path):
    """
    An answer came: "exists already" at the next attempt is another's doing.
    """
    journal = Journal(str(tmp_path / "journal"))
    journal.say("claiming")
    journal.say("refused", reason="taken", message="...")
    journal.close()

    after = reopened(tmp_path / "journal")

    assert not after.is_claim_open
    assert after.refusal == "taken"


def test_a_torn_line_spoils_no_other(tmp_path):
    """
    A crash or a full disk may leave half a line behind.
    """
    path = tmp_path / "journal"
    path.write_bytes(b'{"event": "claimed"}\n{"event": "publ')
    journal = Journal(str(path))
    journal.say("ended")
    journal.close()

    after = reopened(path)

    assert after.is_claimed
    assert after.has_ended
    assert path.read_bytes().split(b"\n")[-2] == b'{"event": "ended"}'


def test_nonsense_in_a_journal_is_passed_over(tmp_path):
    path = tmp_path / "journal"
    path.write_bytes(
        b'[1]\n\xff\n{"event": 7}\n{"event": "published", "bytes": null}\n{"event": "claimed"}\n'
    )

    assert reopened(path).is_claimed
