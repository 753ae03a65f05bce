"""
Every answer of S3 that people meet is one of our errors, with the next step in it.
"""

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError, UnauthorizedSSOTokenError
from lab_workbook import errors
from lab_workbook.store import s3_errors


def answer(code, status, operation="PutObject"):
    response = {"Error": {"Code": code, "Message": "words"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return s3_errors.from_answer(ClientError(response, operation), "s3://bucket/x", "https://s3.example")


@pytest.mark.parametrize(
    ("code", "status", "kind", "word"),
    [
        ("AccessDenied", 403, errors.AccessDenied, "s3:PutObject"),
        ("403", 403, errors.AccessDenied, "AWS_PROFILE"),
        ("InvalidAccessKeyId", 403, errors.CredentialsMissing, "aws configure"),
        ("SignatureDoesNotMatch", 403, errors.CredentialsMissing, "aws configure"),
        ("ExpiredToken", 400, errors.CredentialsExpired, "aws sso login"),
        ("RequestTimeTooSkewed", 403, errors.Unreachable, "clock"),
        ("SlowDown", 503, errors.Unreachable, "again later"),
        ("InternalError", 500, errors.Unreachable, "again later"),
        ("502", 502, errors.Unreachable, "again later"),
        ("RequestTimeout", 400, errors.Unreachable, "again later"),
        ("ConditionalRequestConflict", 409, errors.Unreachable, "again later"),
        ("PreconditionFailed", 412, errors.AlreadyExists, "exists already"),
        ("NoSuchBucket", 404, errors.BucketNotFound, "no bucket 'bucket'"),
        ("PermanentRedirect", 301, errors.StoreError, "region"),
        ("InvalidStorageClass", 400, errors.ConfigurationError, "storageClass"),
        ("AccessControlListNotSupported", 400, errors.ConfigurationError, "acl"),
        ("KMS.NotFoundException", 400, errors.ConfigurationError, "kmsKeyId"),
        ("EntityTooLarge", 400, errors.StoreError, "words"),
    ],
)
def test_an_answer_becomes_the_error_that_says_what_to_do(code, status, kind, word):
    error = answer(code, status)

    assert type(error) is kind
    assert word in str(error)


@pytest.mark.parametrize("status", [403, 400])
def test_an_answer_without_words_is_understood_as_well(status):
    """
    Ceph says nothing but the code.
    """
    response = {
        "Error": {"Code": "Whatever", "Message": None},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }

    error = s3_errors.from_answer(ClientError(response, "PutObject"), "s3://b/x", "https://s3.example")

    assert isinstance(error, errors.StoreError)


def test_a_permission_is_named_as_a_policy_spells_it():
    assert "s3:ListBucket" in str(answer("AccessDenied", 403, "ListObjectsV2"))
    assert "s3:GetObject" in str(answer("AccessDenied", 403, "GetObject"))
    assert "s3:PutObject" in str(answer("AccessDenied", 403, "UploadPart"))


def test_a_key_that_may_not_be_used_is_told_from_a_bucket_that_may_not():
    """
    AWS says AccessDenied to both, and the way out is another policy.
    """
    message = "User: x is not authorized to perform: kms:GenerateDataKey on this resource"
    response = {
        "Error": {"Code": "AccessDenied", "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": 403},
    }

    error = s3_errors.from_answer(ClientError(response, "PutObject"), "s3://b/x", "https://s3.example")

    assert type(error) is errors.AccessDenied
    assert "key of KMS" in str(error)


def test_an_expired_login_says_how_to_renew_it():
    error = s3_errors.from_client(UnauthorizedSSOTokenError(), "s3://bucket/x", "https://s3.example")

    assert type(error) is errors.CredentialsExpired
    assert "aws sso login" in str(error)


def test_a_timeout_is_unreachable():
    error = s3_errors.from_client(
        ReadTimeoutError(endpoint_url="https://s3.example"), "s3://bucket/x", "https://s3.example"
    )

    assert type(error) is errors.Unreachable
