"""
S3 through its store, against a server that is a real process.
"""

import io
import os
import subprocess
import sys

import pytest
from lab_workbook import errors
from lab_workbook.protocol import prefix
from lab_workbook.store.s3 import S3Store, Unchanged


@pytest.fixture
def store(bucket_prefix):
    return S3Store(prefix.parse(bucket_prefix))


def put(store, key, data=b"x"):
    store.replace(key, io.BytesIO(data))


def test_importing_the_store_does_not_import_boto3():
    """
    A script that only reads folders never pays for boto3.
    """
    code = "import sys, lab_workbook.store.s3; sys.exit('boto3' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_an_object_comes_back_as_it_went(store):
    put(store, "tag/options.json", b'{"epoch": 1}')

    blob = store.get("tag/options.json")

    assert blob.data == b'{"epoch": 1}'
    assert abs((blob.now - blob.modified).total_seconds()) < 60


def test_an_object_can_be_read_from_a_position_on(store):
    put(store, "loss.csv", b"0123456789")

    assert store.get("loss.csv", start=4).data == b"456789"
    assert store.get("loss.csv", start=10).data == b""
    assert store.get("loss.csv", start=99).data == b""


def test_an_empty_object_can_be_read(store):
    put(store, "empty.txt", b"")

    assert store.get("empty.txt").data == b""


def test_a_missing_object_is_a_key_error(store):
    with pytest.raises(KeyError, match=r"nothing\.csv"):
        store.get("nothing.csv")


@pytest.mark.parametrize(
    "key", ["tag/Übung ☃.csv", "tag/a+b %20&c=d?#.txt", "tag/.lab-workbook/begin.json", "tag/'\"<>.json"]
)
def test_a_key_may_hold_any_character_of_a_name(store, key):
    put(store, key, b"1")

    assert store.get(key).data == b"1"
    assert [(entry.key, entry.size) for entry in store.keys("tag/")] == [(key, 1)]


def test_a_listing_has_every_key_of_many_pages_in_order(store, s3_client, bucket_prefix):
    """
    S3 lists a thousand keys at a time; nobody should notice.
    """
    bucket = prefix.parse(bucket_prefix).bucket
    names = [f"k{number:04}" for number in range(1003)]
    for name in names:
        s3_client.put_object(Bucket=bucket, Key=f"exp/{name}", Body=b"")

    assert [entry.key for entry in store.keys("k")] == names
    assert [entry.key for entry in store.keys("k", after="k0999")] == names[1000:]


def test_a_listing_stays_below_its_prefix(store, s3_client, bucket_prefix):
    put(store, "a/one")
    put(store, "b/two")
    s3_client.put_object(Bucket=prefix.parse(bucket_prefix).bucket, Key="other/a/three", Body=b"")

    assert [entry.key for entry in store.keys("")] == ["a/one", "b/two"]
    assert [entry.key for entry in store.keys("a/")] == ["a/one"]


def test_folders_are_the_names_directly_below(store):
    put(store, "a/one")
    put(store, "a/deep/two")
    put(store, "b/three")
    put(store, "file")

    assert list(store.folders("")) == ["a", "b"]
    assert list(store.folders("a/")) == ["deep"]
    assert list(store.folders("a/d")) == ["deep"]
    assert list(store.folders("b")) == ["b"]


def test_a_listing_and_an_object_tell_the_same_version(store):
    """
    Which is another one as soon as the bytes are, and comes with the age by the server's own clock.
    """
    put(store, "a", b"1")
    (first,) = store.keys("a")
    put(store, "a", b"2")
    (second,) = store.keys("a")

    assert first.etag != second.etag == store.get("a").etag
    assert abs(second.age) < 60


def test_an_object_that_has_not_changed_is_not_sent_again(store):
    put(store, "a", b"1")
    first = store.get("a")

    again = store.get_unless("a", first.etag)
    put(store, "a", b"2")

    assert isinstance(again, Unchanged)
    assert abs((again.now - first.now).total_seconds()) < 60
    assert store.get_unless("a", first.etag).data == b"2"
    with pytest.raises(KeyError):
        store.get_unless("b", first.etag)


def test_a_large_object_is_read_in_pieces(store):
    data = os.urandom(3 * 2**20 + 1)
    put(store, "model.pt", data)

    pieces = list(store.chunks("model.pt"))

    assert b"".join(pieces) == data
    assert max(map(len, pieces)) <= 2**20
    with pytest.raises(KeyError, match="nothing"):
        list(store.chunks("nothing"))


def test_an_object_is_created_once(store):
    store.create("begin.json", io.BytesIO(b"first"))

    with pytest.raises(errors.AlreadyExists, match=r"begin\.json exists already"):
        store.create("begin.json", io.BytesIO(b"second"))
    assert store.get("begin.json").data == b"first"


def test_an_object_is_replaced_and_deleted(store):
    put(store, "a", b"1")
    put(store, "a", b"2")
    assert store.get("a").data == b"2"

    store.delete("a")
    store.delete("a")

    assert list(store.keys("")) == []


def test_a_large_object_goes_in_parts_and_comes_back_whole(store, s3_client, bucket_prefix):
    data = os.urandom(1 << 20) * 20

    put(store, "model.pt", data)

    assert store.get("model.pt").data == data
    head = s3_client.head_object(Bucket=prefix.parse(bucket_prefix).bucket, Key="exp/model.pt")
    assert head["ETag"].strip('"').endswith("-3")
    assert head["ContentType"] == "application/octet-stream"


def test_objects_carry_the_content_type_of_their_kind(store, s3_client, bucket_prefix):
    """
    Browsers and consoles then show a series as text.
    """
    bucket = prefix.parse(bucket_prefix).bucket
    put(store, "loss.csv")
    store.create("options.json", io.BytesIO(b"{}"))

    assert (
        s3_client.head_object(Bucket=bucket, Key="exp/loss.csv")["ContentType"] == "text/csv; charset=utf-8"
    )
    assert s3_client.head_object(Bucket=bucket, Key="exp/options.json")["ContentType"] == "application/json"


@pytest.mark.usefixtures("s3")
def test_a_missing_bucket_is_named_with_what_to_mend():
    store = S3Store(prefix.parse("s3://no-such-bucket-here/exp/"))

    for request in (
        lambda: store.get("x"),
        lambda: list(store.keys("")),
        lambda: list(store.folders("")),
        lambda: put(store, "x"),
        lambda: store.create("x", io.BytesIO(b"")),
    ):
        with pytest.raises(errors.BucketNotFound, match=r"no bucket 'no-such-bucket-here'.*bucketPrefix"):
            request()


def test_without_credentials_the_error_says_how_to_set_them(store, monkeypatch, bucket_prefix):
    del store
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")

    with pytest.raises(errors.CredentialsMissing, match=r"aws configure.*AWS_PROFILE"):
        S3Store(prefix.parse(bucket_prefix)).get("x")


def test_an_unknown_profile_is_named():
    with pytest.raises(errors.CredentialsMissing, match=r"nobody.*aws configure"):
        S3Store(prefix.parse("s3://bucket/"), profile="nobody")


def test_an_endpoint_that_is_no_url_is_named():
    with pytest.raises(errors.ConfigurationError, match=r"endpointUrl.*not a url"):
        S3Store(prefix.parse("s3://bucket/"), endpoint_url="not a url", region="eu-west-1")


def test_a_server_that_is_away_is_unreachable_and_the_error_names_it(late_s3):
    store = S3Store(prefix.parse("s3://bucket/"))

    with pytest.raises(errors.Unreachable, match=f"{late_s3.url}.*endpointUrl"):
        store.create("x", io.BytesIO(b""))


def test_an_endpoint_given_by_hand_wins_over_the_environment(s3, bucket_prefix, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    store = S3Store(prefix.parse(bucket_prefix), endpoint_url=s3)

    put(store, "x", b"1")

    assert store.get("x").data == b"1"


WITHOUT_DESCRIPTORS = """
import resource
from lab_workbook.protocol import prefix
from lab_workbook.store.s3 import S3Store

S3Store(prefix.parse("s3://bucket/exp/"), region="us-east-1")
resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))
"localhost".encode("idna")
"""


def test_a_store_needs_no_codec_later():
    """
    The first request looks one up, and a lookup that fails for lack of memory or descriptors is remembered.
    """
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_DESCRIPTORS], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
