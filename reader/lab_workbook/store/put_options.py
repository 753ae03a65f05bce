"""How objects are kept: encrypted by which key, in which storage class, open to whom."""

from __future__ import annotations

from typing import NamedTuple

_KMS = "aws:kms"


class PutOptions(NamedTuple):
    """
    The settings that go with each object that is put; what is None is left to the bucket.

    >>> PutOptions(storage_class="STANDARD_IA").arguments()
    {'StorageClass': 'STANDARD_IA'}
    """

    server_side_encryption: str | None = None
    kms_key_id: str | None = None
    storage_class: str | None = None
    acl: str | None = None

    def arguments(self) -> dict[str, str]:
        """Return them as boto3 wants them."""
        # A key says enough: S3 would refuse one without the word for it.
        encryption = self.server_side_encryption or (_KMS if self.kms_key_id else None)
        options = {
            "ServerSideEncryption": encryption,
            "SSEKMSKeyId": self.kms_key_id,
            "StorageClass": self.storage_class,
            "ACL": self.acl,
        }
        return {name: value for name, value in options.items() if value}
