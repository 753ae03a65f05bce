"""
The doctor says in plain words what is wrong, does no harm, and tells programs by its exit code.
"""

import datetime as dt
import http.server
import json
import os
import threading
from email.utils import format_datetime

import pytest
from click.testing import CliRunner
from lab_workbook import ExperimentRepository
from lab_workbook.cli import main
from lab_workbook.protocol import prefix


@pytest.fixture
def examine():
    """Run the doctor; gives the exit code and what it found by name."""

    def run(*arguments):
        result = CliRunner().invoke(main, ["doctor", "--json", *map(str, arguments)])
        found = {each["check"]: (each["level"], each["text"]) for each in json.loads(result.stdout)}
        return result.exit_code, found

    return run


@pytest.fixture
def answer(monkeypatch):
    """A server that answers everything alike, with a clock of its own; gives its URL."""
    servers = []

    def start(status, code, *, clock=dt.timedelta()):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_PUT(self):
                self.rfile.read(int(self.headers["Content-Length"] or 0))
                error = f"<Error><Code>{code}</Code><Message>no</Message></Error>"
                body = b"" if status == 200 else error.encode()
                self.send_response_only(status)
                moment = dt.datetime.now(dt.timezone.utc) + clock
                self.send_header("Date", format_datetime(moment, usegmt=True))
                self.send_header("ETag", '"00"')
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_DELETE = do_PUT  # noqa: N815 - as http.server calls them

            def log_message(self, *arguments):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        servers.append(server)
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "someone")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "very secret")

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_a_bucket_that_works_gets_a_clean_bill(bucket_prefix, examine):
    """
    Everything a writer does was tried, and works.
    """
    code, found = examine(bucket_prefix)

    assert code == 0
    levels = {name: level for name, (level, _) in found.items()}
    assert levels == {
        "configuration": "ok",
        "credentials": "ok",
        "writable": "ok",
        "clock": "ok",
        "conditional": "ok",
        "overwrite": "note",
        "multipart": "ok",
        "read": "note",
        "list": "note",
        "cleanup": "ok",
        "spool": "ok",
        "spool space": "ok",
        "spool lock": "ok",
    }


def test_a_key_that_can_overwrite_is_named_unless_versions_are_kept(bucket_prefix, examine, s3_client):
    """
    A stolen key changes earlier experiments for good, or only until somebody restores a version.
    """
    _, without = examine(bucket_prefix)
    bucket = prefix.parse(bucket_prefix).bucket
    s3_client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    _, enabled = examine(bucket_prefix)
    s3_client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    _, suspended = examine(bucket_prefix)

    assert [each["overwrite"][0] for each in (without, enabled, suspended)] == ["note", "ok", "note"]
    assert "lab-workbook policy --only createOnly" in without["overwrite"][1]
    assert "can be restored" in enabled["overwrite"][1]


def test_nothing_is_left_behind(bucket_prefix, examine, s3_client):
    """
    Neither an object nor an unfinished upload.
    """
    examine(bucket_prefix)

    bucket = prefix.parse(bucket_prefix).bucket
    assert s3_client.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
    assert s3_client.list_multipart_uploads(Bucket=bucket).get("Uploads", []) == []


def test_an_object_that_cannot_be_removed_is_no_experiment(bucket_prefix, s3_client):
    """
    Its key has no slash below the prefix, so no listing takes it for one.
    """
    bucket = prefix.parse(bucket_prefix).bucket
    s3_client.put_object(Bucket=bucket, Key="exp/.lab-workbook-doctor-1234", Body=b"")

    assert ExperimentRepository(bucket_prefix)[:] == []


@pytest.mark.usefixtures("s3")
def test_a_missing_bucket_is_a_problem(examine):
    code, found = examine("s3://nowhere-to-be-found/exp/")

    assert code == 1
    assert found["writable"][0] == "problem"
    assert "there is no bucket 'nowhere-to-be-found'" in found["writable"][1]
    assert "conditional" not in found


def test_credentials_are_never_shown(answer, examine):
    """
    Only where they were found.
    """
    answer(403, "AccessDenied")

    code, found = examine("s3://lab/exp/")

    assert (code, found["writable"][0]) == (1, "problem")
    assert "may not write" in found["writable"][1]
    assert "AWS_ACCESS_KEY_ID" in found["credentials"][1]
    assert "secret" not in str(found).lower()
    assert "someone" not in str(found)


def test_missing_credentials_are_a_problem(examine):
    code, found = examine("s3://lab/exp/")

    assert (code, found["credentials"][0]) == (1, "problem")
    assert "aws configure" in found["credentials"][1]


def test_a_server_that_ignores_conditions_is_warned_of(answer, examine):
    """
    Some accept If-None-Match and overwrite all the same.
    """
    answer(200, "Fine")

    _, found = examine("s3://lab/exp/")

    assert found["conditional"][0] == "warning"
    assert "ignores If-None-Match" in found["conditional"][1]


@pytest.mark.parametrize(
    ("hours", "level", "text"), [(1, "problem", "behind"), (-1, "problem", "ahead of"), (0, "ok", "agrees")]
)
def test_a_wrong_clock_is_said_with_its_direction(answer, examine, hours, level, text):
    """
    S3 refuses what is more than a quarter of an hour off, in words that few understand.
    """
    answer(403, "RequestTimeTooSkewed", clock=dt.timedelta(hours=hours))

    _, found = examine("s3://lab/exp/")

    assert found["clock"][0] == level
    assert text in found["clock"][1]


def test_a_folder_is_tried_too(tmp_path, examine):
    code, found = examine(tmp_path / "not" / "yet")

    assert code == 0
    assert "does not exist yet" in found["writable"][1]
    assert {name: level for name, (level, _) in found.items()}["links"] == "ok"
    assert os.listdir(tmp_path) == []


def test_a_folder_that_cannot_be_made_is_a_problem(tmp_path, examine):
    (tmp_path / "file").write_text("")

    code, found = examine(tmp_path / "file" / "experiments")

    assert (code, found["writable"][0]) == (1, "problem")


def test_a_spool_that_others_can_read_and_what_is_left_in_it_are_said(bucket_prefix, examine, isolation):
    """
    What a script left behind may be the only copy.
    """
    own = isolation / ".local/state/lab-workbook" / "TAG.nonce" / ".lab-workbook"
    own.mkdir(parents=True)
    (own / "queue").write_text("")
    own.parent.parent.chmod(0o755)

    code, found = examine(bucket_prefix)

    assert code == 0
    assert found["spool mode"][0] == "warning"
    assert found["leftovers"][0] == "warning"
    assert "TAG.nonce" in found["leftovers"][1]
    assert "lab-workbook push" in found["leftovers"][1]


def test_it_says_where_the_prefix_comes_from(isolation, tmp_path, monkeypatch, examine):
    """
    Most surprises are a file or a variable that somebody has forgotten.
    """
    (isolation / ".lab-workbook-config").write_text(f"bucketPrefix = {tmp_path}/a\n")
    assert "~/.lab-workbook-config" in examine()[1]["configuration"][1]

    monkeypatch.setenv("LAB_WORKBOOK_BUCKET_PREFIX", f"{tmp_path}/b")
    assert "LAB_WORKBOOK_BUCKET_PREFIX" in examine()[1]["configuration"][1]


def test_people_get_a_line_for_each_finding(tmp_path):
    result = CliRunner().invoke(main, ["doctor", str(tmp_path)])

    assert result.exit_code == 0
    assert result.stdout.splitlines()[0].startswith("ok       file:///")
