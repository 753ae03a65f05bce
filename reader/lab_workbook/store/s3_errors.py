"""
What S3 and boto3 say, as our errors: one sentence on what happened, one on what to do next.

S3's codes are many and its servers spell some of them differently, so what is not known by its code
is judged by its HTTP status.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab_workbook.errors import (
    AccessDenied,
    AlreadyExists,
    BucketNotFound,
    ConfigurationError,
    CredentialsExpired,
    CredentialsMissing,
    LabWorkbookError,
    StoreError,
    Unreachable,
)

if TYPE_CHECKING:
    from botocore.exceptions import BotoCoreError, ClientError

# HEAD requests have no body, so their code is the bare status.
MISSING_KEY = frozenset({"NoSuchKey", "404", "NotFound"})
PAST_THE_END = frozenset({"InvalidRange", "416"})
NOT_MODIFIED = frozenset({"NotModified", "304"})

_CREATED_BEFORE = frozenset({"PreconditionFailed", "412"}) | NOT_MODIFIED
_BAD_CREDENTIALS = frozenset(
    {"InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "InvalidSecurity", "NotSignedUp"}
)
_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "RequestExpired"})
_TRY_AGAIN = frozenset(
    {
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequests",
        "RequestTimeout",
        "RequestTimeoutException",
        # Two requests for one key at once; S3 asks to send it again.
        "ConditionalRequestConflict",
        "OperationAborted",
    }
)
_WRONG_REGION = frozenset(
    {"PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "301"}
)
_NO_CREDENTIALS = frozenset(
    {
        "NoCredentialsError",
        "PartialCredentialsError",
        "ProfileNotFound",
        "CredentialRetrievalError",
        "NoAuthTokenError",
        "MissingDependencyException",
    }
)
_NO_TOKEN = frozenset({"SSOError", "LoginError", "TokenRetrievalError"})
_BAD_SETTINGS = frozenset({"InvalidRegionError", "ConfigParseError", "InvalidConfigError", "NoRegionError"})
# What the settings of this library ask of a bucket, and it cannot do.
_UNUSABLE = {
    "InvalidStorageClass": "storageClass",
    "AccessControlListNotSupported": "acl",
    "InvalidEncryptionAlgorithmError": "serverSideEncryption",
    "KMS.NotFoundException": "kmsKeyId",
    "KMS.DisabledException": "kmsKeyId",
    "KMS.KMSInvalidStateException": "kmsKeyId",
    "KMS.InvalidKeyUsageException": "kmsKeyId",
}
_WORDS = {
    "PutObject": "write",
    "GetObject": "read",
    "HeadObject": "read",
    "ListObjectsV2": "list",
    "DeleteObject": "delete",
    "CreateMultipartUpload": "write",
    "UploadPart": "write",
    "CompleteMultipartUpload": "write",
}


def from_answer(error: ClientError, where: str, endpoint: str) -> LabWorkbookError:
    """Return our error for an answer that S3 gave about ``where``, an ``s3://`` URL."""
    answer = error.response
    code = answer.get("Error", {}).get("Code", "")
    status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    said = f"{where}: the server at {endpoint} answered {code or status}"
    if code in _CREATED_BEFORE or status in (304, 412):
        return AlreadyExists(f"{where} exists already, and was to be created")
    if code == "NoSuchBucket":
        bucket = where.removeprefix("s3://").partition("/")[0]
        return BucketNotFound(
            f"there is no bucket {bucket!r} at {endpoint}: create it, or mend bucketPrefix (or endpointUrl)"
        )
    if code in _UNUSABLE:
        return ConfigurationError(f"{said}: mend `{_UNUSABLE[code]}`, or leave it out")
    return _failed(error, where, said)


def _failed(error: ClientError, where: str, said: str) -> LabWorkbookError:
    code = error.response.get("Error", {}).get("Code", "")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code == "RequestTimeTooSkewed":
        return Unreachable(f"{said}: the clock of this machine is wrong; set it")
    if code in _TRY_AGAIN or status == 429 or status >= 500:
        return Unreachable(f"{said}: it is busy or has a fault; try again later")
    if code in _EXPIRED:
        return CredentialsExpired(f"{said}: the credentials have expired; renew them (`aws sso login`)")
    if code in _BAD_CREDENTIALS:
        return CredentialsMissing(f"{said}: the credentials are wrong; {_SET_CREDENTIALS}")
    location = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("location")
    if location and 300 <= status < 400:
        # Not followed: what is signed for one server is worth nothing to another.
        return Unreachable(f"{said} and redirects to {location[:200]!r}; {_CHECK_NETWORK}")
    if code in _WRONG_REGION:
        return StoreError(f"{said}: the bucket lies in another region; set `region` (or AWS_DEFAULT_REGION)")
    if status == 403:
        return _forbidden(error, where, said)
    return StoreError(f"{said} ({status}): {_message(error)[:200]}")


def _message(error: ClientError) -> str:
    # Ceph answers with an empty one, which boto3 reads as None.
    return error.response.get("Error", {}).get("Message") or ""


def _forbidden(error: ClientError, where: str, said: str) -> AccessDenied:
    if "kms:" in _message(error):
        return AccessDenied(
            f"{said}: these credentials may not use the bucket's key of KMS; `lab-workbook policy` says"
            " what they need"
        )
    word = _WORDS.get(error.operation_name, "do")
    return AccessDenied(
        f"{where}: these credentials may not {word} this (s3:{_permission(error.operation_name)});"
        " choose others with `profile` (or AWS_PROFILE), or have the bucket's policy allow it"
    )


def from_client(error: BotoCoreError, where: str, endpoint: str) -> LabWorkbookError:
    """Return our error for what boto3 says before or instead of an answer."""
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if kinds & _NO_CREDENTIALS:
        return CredentialsMissing(f"{where}: no usable credentials ({error}); {_SET_CREDENTIALS}")
    if kinds & _NO_TOKEN:
        return CredentialsExpired(f"{where}: the login has expired ({error}); `aws sso login` renews it")
    if "ParamValidationError" in kinds or "InvalidHostLabelError" in kinds:
        return BucketNotFound(f"{where} cannot be asked for ({error}); mend bucketPrefix")
    if kinds & _BAD_SETTINGS:
        return ConfigurationError(f"the settings of AWS or this library cannot be used: {error}")
    reason = _unresolved(error) or error
    return Unreachable(f"{where}: no answer from {endpoint} ({reason}); {_CHECK_NETWORK}")


def _unresolved(error: BotoCoreError) -> str:
    """Return which name could not be resolved, if that is what happened; boto3's message does not name it."""
    cause = error.kwargs.get("error")
    host = getattr(getattr(cause, "conn", None), "host", "")
    return f"{host!r} cannot be resolved" if type(cause).__name__ == "NameResolutionError" else ""


def not_s3(where: str, endpoint: str) -> Unreachable:
    """Return our error for an answer that S3 does not give, such as the login page of a captive portal."""
    return Unreachable(f"{where}: what answers at {endpoint} is not an S3 server; {_CHECK_NETWORK}")


_CHECK_NETWORK = "check the network and `endpointUrl` (or AWS_ENDPOINT_URL_S3)"


_SET_CREDENTIALS = "run `aws configure`, or name a profile with `profile` (or AWS_PROFILE)"


def _permission(operation: str) -> str:
    if operation == "ListObjectsV2":
        return "ListBucket"
    return operation if operation in ("GetObject", "DeleteObject") else "PutObject"
