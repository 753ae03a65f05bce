"""
The printed permissions are the least that is needed; `make test-ceph` holds a real server to them.
"""

import json

import pytest
from click.testing import CliRunner
from lab_workbook import policy
from lab_workbook.cli import main
from lab_workbook.protocol import prefix

PLACE = prefix.parse("s3://lab/exp/")


def run(*arguments):
    return CliRunner().invoke(main, ["policy", *arguments])


def actions(document):
    return {action for statement in document["Statement"] for action in statement["Action"]}


def test_what_prevents_overwriting_comes_first():
    result = run("s3://lab/exp/")

    assert list(json.loads(result.stdout)) == ["createOnly", "writer", "reader"]
    assert result.stderr.splitlines()[1].startswith("  createOnly: ")


def test_a_writer_can_write_below_its_prefix_and_nothing_else():
    """
    A stolen key of a training machine reads, lists and deletes nothing; `create_only` is against overwriting.
    """
    document = policy.writer(PLACE)

    assert actions(document) == {"s3:PutObject", "s3:AbortMultipartUpload"}
    assert [statement["Resource"] for statement in document["Statement"]] == ["arn:aws:s3:::lab/exp/*"]


def test_a_reader_sees_its_prefix_alone():
    """
    The list of the bucket is that of the prefix, too.
    """
    document = policy.reader(PLACE)

    listing = next(each for each in document["Statement"] if each["Action"] == ["s3:ListBucket"])
    assert actions(document) == {"s3:GetObject", "s3:ListBucket"}
    assert listing["Resource"] == "arn:aws:s3:::lab"
    assert listing["Condition"] == {"StringLike": {"s3:prefix": "exp/*"}}


def test_a_whole_bucket_needs_no_condition_on_its_list():
    document = policy.reader(prefix.parse("s3://lab"))

    assert "Condition" not in document["Statement"][1]
    assert document["Statement"][0]["Resource"] == "arn:aws:s3:::lab/*"


def test_what_would_be_a_wildcard_in_a_policy_is_meant_as_written():
    """
    ``exp*/`` is a folder of that name, and opens no other.
    """
    resource = policy.writer(prefix.parse("s3://lab/e*p?$/"))["Statement"][0]["Resource"]

    assert resource == "arn:aws:s3:::lab/e${*}p${?}${$}/*"


@pytest.mark.parametrize(
    ("key", "resource"),
    [
        ("arn:aws:kms:eu-west-1:1:key/ab-cd", "arn:aws:kms:eu-west-1:1:key/ab-cd"),
        ("ab-cd", "arn:aws:kms:*:*:key/ab-cd"),
        ("alias/lab", "arn:aws:kms:*:*:key/*"),
        ("arn:aws:kms:eu-west-1:1:alias/lab", "arn:aws:kms:*:*:key/*"),
    ],
)
def test_a_key_may_be_used_for_objects_in_s3_alone(key, resource):
    """
    Writers make data keys and finish large objects with them, readers only open them.
    """
    writes = policy.writer(PLACE, kms_key_id=key)["Statement"][-1]
    reads = policy.reader(PLACE, kms_key_id=key)["Statement"][-1]

    assert (writes["Action"], reads["Action"]) == (["kms:GenerateDataKey", "kms:Decrypt"], ["kms:Decrypt"])
    assert writes["Resource"] == reads["Resource"] == resource
    assert writes["Condition"]["StringLike"] == {"kms:ViaService": "s3.*.amazonaws.com"}
    assert ("ForAnyValue:StringEquals" in writes["Condition"]) == ("alias/" in key)


def test_create_only_denies_what_could_overwrite_but_not_the_parts_of_a_large_object():
    (statement,) = policy.create_only(PLACE)["Statement"]

    assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "s3:PutObject")
    assert statement["Condition"] == {
        "Null": {"s3:if-none-match": "true"},
        "Bool": {"s3:ObjectCreationOperation": "true"},
    }


def test_the_command_prints_json_for_machines_and_words_for_people():
    """
    So that it can be piped into the tool that sets policies.
    """
    result = run("s3://lab/exp/")

    assert json.loads(result.stdout) == {
        "writer": policy.writer(PLACE),
        "reader": policy.reader(PLACE),
        "createOnly": policy.create_only(PLACE),
    }
    assert "training machines" in result.stderr


def test_one_document_can_be_asked_for(monkeypatch):
    """
    And the key of the configuration is in it.
    """
    monkeypatch.setenv("LAB_WORKBOOK_KMS_KEY_ID", "ab-cd")
    monkeypatch.setenv("LAB_WORKBOOK_BUCKET_PREFIX", "s3://lab/exp/")

    assert json.loads(run("--only", "writer").stdout) == policy.writer(PLACE, kms_key_id="ab-cd")


def test_an_access_control_list_needs_a_permission_of_its_own(monkeypatch):
    """
    It is asked for only where the configuration sets one.
    """
    monkeypatch.setenv("LAB_WORKBOOK_ACL", "bucket-owner-full-control")

    document = json.loads(run("s3://lab/exp/", "--only", "writer").stdout)

    assert actions(document) == {"s3:PutObject", "s3:AbortMultipartUpload", "s3:PutObjectAcl"}


def test_a_folder_has_no_policy(tmp_path):
    result = run(str(tmp_path))

    assert result.exit_code == 1
    assert "is a folder" in result.stderr
