"""
The claim: a tag belongs to one experiment, and the writer learns what was refused and why.
"""

import json
from datetime import datetime, timezone

import pytest
from lab_workbook import errors
from lab_workbook.protocol import process
from lab_workbook.store import Blob
from lab_workbook_writer.uploader.claim import ClaimJob
from lab_workbook_writer.uploader.journal import Journal
from lab_workbook_writer.uploader.uploads import Refused


def test_a_tag_that_another_experiment_has_is_refused(make_spool, bucket_prefix):
    """
    The first experiment stays as it was, and the second one keeps its spool.
    """
    first = make_spool(bucket_prefix, tag="mine", explicit=True).start()
    first.wait_for("claimed")
    second = make_spool(bucket_prefix, tag="mine", explicit=True)
    second.put("a.txt", b"a")

    code = second.start().wait_for_exit()

    assert code == 1
    assert second.events("refused")[-1]["reason"] == "taken"
    assert "'mine'" in second.events("refused")[-1]["message"]
    assert (second.own / "outbox" / "1").exists()
    assert first.delivered() == {}
    assert json.loads(first.store.get(".lab-workbook/begin.json").data)["nonce"] == first.nonce


@pytest.mark.usefixtures("s3")
def test_a_bucket_that_does_not_exist_is_refused(make_spool):
    spool = make_spool("s3://no-such-bucket/exp/").start()

    assert spool.wait_for_exit() == 1
    refused = spool.events("refused")[-1]
    assert refused["reason"] == "bucket"
    assert "no bucket 'no-such-bucket'" in refused["message"]


def test_missing_credentials_are_refused(make_spool, bucket_prefix, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    spool = make_spool(bucket_prefix).start()

    assert spool.wait_for_exit() == 1
    assert spool.events("refused")[-1]["reason"] == "credentials"
    assert "aws configure" in spool.events("refused")[-1]["message"]


def test_a_profile_that_does_not_exist_is_refused(make_spool, bucket_prefix):
    spool = make_spool(bucket_prefix, profile="nobody").start()

    assert spool.wait_for_exit() == 1
    assert spool.events("refused")[-1]["reason"] == "credentials"
    assert "nobody" in spool.events("refused")[-1]["message"]


def test_an_endpoint_that_is_no_url_is_refused(make_spool, bucket_prefix):
    spool = make_spool(bucket_prefix, endpointUrl="nonsense").start()

    assert spool.wait_for_exit() == 1
    assert spool.events("refused")[-1]["reason"] == "settings"


def test_nothing_is_sent_before_the_claim_has_worked(make_spool, bucket_prefix):
    taken = make_spool(bucket_prefix, tag="mine", explicit=True).start()
    taken.wait_for("claimed")
    spool = make_spool(bucket_prefix, tag="mine", explicit=True)
    spool.put("a.txt", b"a")
    spool.series("loss.csv")
    spool.end()

    spool.start().wait_for_exit()

    assert spool.objects() == {}
    assert not [entry for entry in spool.store.keys(".lab-workbook/") if "segments" in entry.key]


@pytest.fixture
def claim(tmp_path):
    """Claim once for each answer of a bucket; returns how the last one came out."""
    journal = Journal(str(tmp_path / "journal"))
    begin = json.dumps({"protocol": "lab-workbook 1.1", "nonce": "ours", **process.identity()}).encode()

    def run(store, *, explicit, times):
        job = ClaimJob(journal, lambda: store, begin, tag="mine", explicit=explicit)
        for _ in range(times - 1):
            with pytest.raises(errors.Unreachable):
                job.run()
        try:
            job.run()
        except Refused:
            return journal.refusal
        return "claimed" if journal.is_claimed else "open"

    yield run
    journal.close()


TAKEN = errors.AlreadyExists("exists")
LOST = errors.Unreachable("no answer")


class Bucket:
    """A bucket that gives these answers when begin.json is created, and has one there already."""

    def __init__(self, *answers, there=None):
        self._answers = list(answers)
        self._there = there

    def create(self, key, body):
        del key, body
        answer = self._answers.pop(0)
        if answer is not None:
            raise answer

    def get(self, key):
        del key
        if isinstance(self._there, Exception):
            raise self._there
        return self._there


def there(nonce):
    now = datetime.now(timezone.utc)
    return Blob(json.dumps({"protocol": "lab-workbook 1.1", "nonce": nonce}).encode(), now, now)


def test_exists_already_at_the_first_attempt_means_taken(claim):
    assert claim(Bucket(TAKEN), explicit=False, times=1) == "taken"


def test_after_a_lost_answer_a_generated_tag_is_ours(claim):
    """
    The lost request has arrived: nobody else could have made up this tag.
    """
    assert claim(Bucket(LOST, TAKEN), explicit=False, times=2) == "claimed"


def test_after_a_lost_answer_a_chosen_tag_is_ours_if_our_nonce_is_there(claim):
    assert claim(Bucket(LOST, TAKEN, there=there("ours")), explicit=True, times=2) == "claimed"


def test_after_a_lost_answer_a_chosen_tag_with_another_nonce_is_taken(claim):
    assert claim(Bucket(LOST, TAKEN, there=there("theirs")), explicit=True, times=2) == "taken"


def test_a_chosen_tag_that_we_may_not_look_up_is_taken(claim):
    """
    Better a spool that waits for a new tag than rows in another's experiment.
    """
    store = Bucket(LOST, TAKEN, there=errors.AccessDenied("no"))

    assert claim(store, explicit=True, times=2) == "taken"


def test_a_look_up_without_an_answer_is_tried_again(claim):
    store = Bucket(LOST, TAKEN, TAKEN, there=errors.Unreachable("no answer"))

    with pytest.raises(errors.Unreachable):
        claim(store, explicit=True, times=2)


def test_expired_credentials_are_waited_for(claim):
    with pytest.raises(errors.CredentialsExpired):
        claim(Bucket(errors.CredentialsExpired("expired")), explicit=False, times=1)


def test_denied_access_is_refused(claim):
    assert claim(Bucket(errors.AccessDenied("no")), explicit=False, times=1) == "access"


def test_a_lost_answer_is_remembered_by_the_next_uploader(tmp_path):
    """
    Killed between the request and its answer, the next one must not take its own claim for another's.
    """
    path = str(tmp_path / "journal")
    first = Journal(path)
    first.say("claiming")
    first.close()

    second = Journal(path)
    second.close()

    assert second.is_claim_open


def test_a_bucket_that_stays_away_is_asked_through_one_client(far_spool, late_s3):
    """
    Hours without a network cost no memory: every attempt uses the client of the first.
    """
    far_spool.start()
    far_spool.wait_for("trouble")
    before = memory(far_spool.uploader.pid)
    claims = len(far_spool.events("claiming"))
    far_spool.wait_until_events("claiming", claims + 2)

    assert memory(far_spool.uploader.pid) - before < 10 << 20
    assert late_s3.url in far_spool.events("trouble")[0]["message"]


def memory(pid):
    """Return the resident bytes of a process."""
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * 4096
