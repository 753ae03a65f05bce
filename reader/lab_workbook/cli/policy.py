"""The verb ``policy``: what to paste where S3's permissions are set."""

from __future__ import annotations

import json

import click

from lab_workbook import config, policy
from lab_workbook.cli import _options, _text

_WORDS = {
    "createOnly": "a bucket policy: nobody overwrites an object; without it a stolen writer's key can",
    "writer": "an IAM policy for training machines: they write under the prefix, and do nothing else",
    "reader": "an IAM policy for whoever reads: they get and list what is under the prefix",
}


@click.command("policy")
@_options.place
@click.option("--only", type=click.Choice(list(_WORDS)), help="Print this document alone, to pipe it on.")
@click.option("--kms-key-id", help="The key of KMS, if not the one of the configuration.")
def command(prefix: str | None, only: str | None, kms_key_id: str | None) -> None:
    """
    Print the permissions that an s3:// prefix needs, as JSON.

    Without PREFIX it is the place that the environment or ~/.lab-workbook-config names.
    """
    settings = config.load({"bucket_prefix": prefix, "kms_key_id": kms_key_id})
    place, key = settings.bucket_prefix, settings.kms_key_id
    documents = {
        "createOnly": policy.create_only(place),
        "writer": policy.writer(place, kms_key_id=key, acl=settings.acl),
        "reader": policy.reader(place, kms_key_id=key),
    }
    click.echo(f"for {_text.safe(place)}:", err=True)
    for name in [only] if only else list(documents):
        click.echo(f"  {name}: {_WORDS[name]}", err=True)
    click.echo(json.dumps(documents[only] if only else documents, indent=2))
