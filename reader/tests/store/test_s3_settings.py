"""
How objects are kept and addressed: what the settings say is what the server was told.
"""

import io

import pytest
from lab_workbook import errors
from lab_workbook.protocol import prefix
from lab_workbook.store import multipart
from lab_workbook.store.put_options import PutOptions
from lab_workbook.store.s3 import S3Store

KMS = PutOptions(kms_key_id="arn:aws:kms:us-east-1:123456789012:key/1234", storage_class="STANDARD_IA")
LARGE = multipart.PART_BYTES + 1


@pytest.fixture
def head(s3_client, bucket_prefix):
    """What the server knows of an object."""
    bucket = prefix.parse(bucket_prefix).bucket
    return lambda key: s3_client.head_object(Bucket=bucket, Key=f"exp/{key}")


@pytest.mark.usefixtures("moto")
@pytest.mark.parametrize("verb", ["create", "replace"])
@pytest.mark.parametrize("size", [1, LARGE])
def test_every_object_is_kept_as_the_settings_say(bucket_prefix, head, verb, size):
    """
    Small or in parts, new or replaced: encrypted with the key, and in the class that was asked for.
    """
    store = S3Store(prefix.parse(bucket_prefix), options=KMS)

    getattr(store, verb)("model.pt", io.BytesIO(bytes(size)))

    found = head("model.pt")
    assert (found["ServerSideEncryption"], found["SSEKMSKeyId"]) == ("aws:kms", KMS.kms_key_id)
    assert found["StorageClass"] == "STANDARD_IA"
    assert found["ContentLength"] == size


def test_without_settings_the_bucket_decides():
    """
    Nothing is sent that could overrule the bucket's own default.
    """
    assert PutOptions().arguments() == {}


@pytest.mark.usefixtures("moto")
def test_an_access_control_list_goes_with_the_object(bucket_prefix, s3_client):
    """
    Where another account owns the bucket, its owner must be able to read what we put.
    """
    place = prefix.parse(bucket_prefix)
    S3Store(place, options=PutOptions(acl="public-read")).replace("a", io.BytesIO(b"x"))

    grants = s3_client.get_object_acl(Bucket=place.bucket, Key="exp/a")["Grants"]

    assert {"READ"} == {grant["Permission"] for grant in grants if "URI" in grant["Grantee"]}


@pytest.mark.usefixtures("moto")
def test_an_object_that_exists_is_not_created_again_in_parts(bucket_prefix):
    """
    Large objects keep the promise of small ones. (Ceph 16 ignores the condition on what ends an upload.)
    """
    store = S3Store(prefix.parse(bucket_prefix))
    store.create("model.pt", io.BytesIO(b"a" * LARGE))

    with pytest.raises(errors.AlreadyExists):
        store.create("model.pt", io.BytesIO(b"b" * LARGE))

    assert store.get("model.pt").data == b"a" * LARGE


def test_a_large_object_that_fails_leaves_no_parts_behind(bucket_prefix, s3_client):
    """
    Parts that nobody finishes are paid for, and no listing shows them.
    """

    class Torn(io.BytesIO):
        def read(self, size=-1):
            if self.tell() >= multipart.PART_BYTES:
                raise OSError("the disk is gone")
            return super().read(size)

    place = prefix.parse(bucket_prefix)

    with pytest.raises(OSError, match="the disk is gone"):
        S3Store(place).replace("model.pt", Torn(bytes(LARGE)))

    assert s3_client.list_multipart_uploads(Bucket=place.bucket).get("Uploads", []) == []


@pytest.mark.parametrize(
    ("style", "host"), [("virtual", "bucket.s3.example.org"), ("path", "s3.example.org")]
)
@pytest.mark.usefixtures("s3")
def test_the_name_of_the_bucket_stands_where_the_setting_says(style, host):
    """
    Some servers know buckets by their host name alone, others by their path alone.
    """
    store = S3Store(
        prefix.parse("s3://bucket/exp/"), endpoint_url="http://s3.example.org", addressing_style=style
    )

    url = store._client.generate_presigned_url("get_object", Params={"Bucket": "bucket", "Key": "a"})

    assert url.split("/")[2] == host
