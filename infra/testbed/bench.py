"""``make bench``: the measurements of ``trialbridge bench``, against the test bed where this machine can have it."""

import os
import secrets
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from infra.bucket import make_bucket
from infra.testbed.__main__ import up
from infra.testbed.cluster import environment, fields
from infra.testbed.process import RUN
from trialbridge.runtime.settings import BaseServiceSettings, read_settings

ALONE: Final = (("pipeline",),)
ON_TEST_BED: Final = (("pipeline", "--cluster"), ("transport",), ("lane",))
SERVERS: Final = ("TRIALBRIDGE_TEST_KAFKA", "TRIALBRIDGE_TEST_MONGO", "TRIALBRIDGE_TEST_S3")


def installation(reach: Mapping[str, str]) -> dict[str, str]:
    """Return the settings of an installation that nobody else uses, with an empty bucket of its own."""
    name = f"bench{secrets.token_hex(4)}"
    settings = environment(reach, RUN / "bench" / name, name)
    make_bucket(read_settings(BaseServiceSettings, **fields(settings)))
    return settings | {"TRIALBRIDGE_GROUP_PREFIX": name, "TRIALBRIDGE_TOPIC_PREFIX": f"{name}."}


def main() -> int:
    """Run the measurement that the command line names, or all of them; return the first exit code that is not 0."""
    reach, missing = up()
    whole = all(server in reach for server in SERVERS)
    asked = [tuple(sys.argv[1:])] if sys.argv[1:] else list(ON_TEST_BED if whole else ALONE)
    env = {**os.environ, **reach, **(installation(reach) if whole else {})}
    command = [str(Path(sys.executable).with_name("trialbridge")), "bench"]
    codes = [subprocess.run([*command, *one], env=env, check=False).returncode for one in asked]
    for name, why in missing.items():
        sys.stderr.write(f"DID NOT RUN: what is measured on {name}. {why}\n")
    return next((code for code in codes if code), 0)


if __name__ == "__main__":
    sys.exit(main())
