"""Makes the bucket of TRIALBRIDGE_OBJECTS, with versions kept; safe to repeat. For new installations: the services make none."""

import sys
from typing import Any
from urllib.parse import parse_qs, urlsplit

import botocore.session
from botocore.exceptions import BotoCoreError, ClientError

from trialbridge.contracts.errors import Misconfigured
from trialbridge.runtime.settings import BaseServiceSettings, read_secret, read_settings

PRESENT = {"BucketAlreadyOwnedByYou", "BucketAlreadyExists"}


def make_bucket(settings: BaseServiceSettings) -> str:
    """Make the bucket that ``s3://BUCKET?endpoint=URL&region=NAME`` names, and return its name.

    Raises botocore's errors where the store is away or refuses.
    """
    parts = urlsplit(settings.objects)
    asked = parse_qs(parts.query)
    client = _client(settings, asked.get("endpoint", [None])[0], asked.get("region", ["us-east-1"])[0])
    try:
        client.create_bucket(Bucket=parts.netloc)
    except ClientError as error:
        if error.response["Error"]["Code"] not in PRESENT:
            raise
    client.put_bucket_versioning(Bucket=parts.netloc, VersioningConfiguration={"Status": "Enabled"})
    return parts.netloc


def _client(settings: BaseServiceSettings, endpoint: str | None, region: str) -> Any:
    login = {}
    if settings.object_credentials_file is not None:
        access, secret = read_secret(settings.object_credentials_file, "TRIALBRIDGE_OBJECT_CREDENTIALS_FILE").split()
        login = {"aws_access_key_id": access, "aws_secret_access_key": secret}
    return botocore.session.get_session().create_client("s3", region_name=region, endpoint_url=endpoint, **login)


def main() -> int:
    """Make the bucket that the environment names; return the exit code."""
    try:
        name = make_bucket(read_settings(BaseServiceSettings))
    except (BotoCoreError, ClientError, Misconfigured) as error:
        sys.stderr.write(f"the bucket cannot be made: {error}\n")
        return 1
    sys.stdout.write(f"bucket {name} is there\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
