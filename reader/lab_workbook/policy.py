"""
What S3 has to allow: the least that a training machine, and that a reader, can do with.

>>> policy.writer(prefix.parse("s3://lab/exp/"))["Statement"][0]["Action"]
['s3:PutObject', 's3:AbortMultipartUpload']

A writer never reads, lists or deletes, so a stolen key of a training machine shows nothing and deletes
nothing. It can overwrite what is there, unless `create_only` is on the bucket.
"""

from __future__ import annotations

from typing import Any

from lab_workbook.errors import ConfigurationError
from lab_workbook.protocol.prefix import Prefix

Policy = dict[str, Any]

# The version of the language, not of these policies.
_VERSION = "2012-10-17"


def writer(place: Prefix, *, kms_key_id: str | None = None, acl: str | None = None) -> Policy:
    """Return the IAM policy of whoever records experiments under ``place``."""
    actions = ["s3:PutObject", "s3:AbortMultipartUpload", *(["s3:PutObjectAcl"] if acl else [])]
    # Decrypt: S3 reads the parts of a large object again when it puts them together.
    return _policy(
        _allow("LabWorkbookWrite", actions, _objects(place)),
        *_key(kms_key_id, "LabWorkbookEncrypt", ["kms:GenerateDataKey", "kms:Decrypt"]),
    )


def reader(place: Prefix, *, kms_key_id: str | None = None) -> Policy:
    """Return the IAM policy of whoever looks at the experiments under ``place``."""
    bucket = _allow("LabWorkbookList", ["s3:ListBucket"], _bucket(place))
    if place.path:
        bucket["Condition"] = {"StringLike": {"s3:prefix": f"{_escaped(place.path)}*"}}
    return _policy(
        _allow("LabWorkbookRead", ["s3:GetObject"], _objects(place)),
        bucket,
        *_key(kms_key_id, "LabWorkbookDecrypt", ["kms:Decrypt"]),
    )


def create_only(place: Prefix) -> Policy:
    """
    Return a bucket policy under which nobody, whatever else they may, overwrites an object.

    A put without ``If-None-Match`` is denied; the parts of a large object create none, and are not.
    """
    return _policy(
        {
            "Sid": "LabWorkbookCreateOnly",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:PutObject",
            "Resource": _objects(place),
            "Condition": {
                "Null": {"s3:if-none-match": "true"},
                "Bool": {"s3:ObjectCreationOperation": "true"},
            },
        }
    )


def _policy(*statements: Policy) -> Policy:
    return {"Version": _VERSION, "Statement": list(statements)}


def _allow(name: str, actions: list[str], resource: str) -> Policy:
    return {"Sid": name, "Effect": "Allow", "Action": actions, "Resource": resource}


def _bucket(place: Prefix) -> str:
    if place.kind != "s3":
        raise ConfigurationError(f"{place} is a folder: its permissions are those of the file system")
    return f"arn:aws:s3:::{place.bucket}"


def _objects(place: Prefix) -> str:
    return f"{_bucket(place)}/{_escaped(place.path)}*"


def _escaped(path: str) -> str:
    """Return a path as policies match it: these characters would stand for others."""
    return path.replace("$", "${$}").replace("*", "${*}").replace("?", "${?}")


def _key(kms_key_id: str | None, name: str, actions: list[str]) -> list[Policy]:
    if kms_key_id is None:
        return []
    statement = _allow(name, actions, _key_resource(kms_key_id))
    # The key is for objects in S3 and for nothing else.
    condition = {"StringLike": {"kms:ViaService": "s3.*.amazonaws.com"}}
    alias = _alias(kms_key_id)
    if alias:
        condition["ForAnyValue:StringEquals"] = {"kms:ResourceAliases": alias}
    return [{**statement, "Condition": condition}]


def _key_resource(kms_key_id: str) -> str:
    # An alias cannot be named as a resource, only as a condition on all keys.
    if _alias(kms_key_id):
        return "arn:aws:kms:*:*:key/*"
    return kms_key_id if kms_key_id.startswith("arn:") else f"arn:aws:kms:*:*:key/{kms_key_id}"


def _alias(kms_key_id: str) -> str | None:
    name = kms_key_id.rpartition(":")[2]
    return name if name.startswith("alias/") else None
