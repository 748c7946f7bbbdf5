"""``make bench``: the measurements of ``trialbridge bench``, against the test bed where this machine can have it."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from infra.testbed.__main__ import up

ALONE: Final = (("pipeline",),)
AGAINST_KAFKA: Final = (("transport",), ("lane",))


def main() -> int:
    """Run the measurement that the command line names, or all of them; return the first exit code that is not 0."""
    reach, missing = up()
    kafka = "TRIALBRIDGE_TEST_KAFKA" in reach
    asked = [tuple(sys.argv[1:])] if sys.argv[1:] else [*ALONE, *(AGAINST_KAFKA if kafka else ())]
    command = [str(Path(sys.executable).with_name("trialbridge")), "bench"]
    codes = [subprocess.run([*command, *one], env={**os.environ, **reach}, check=False).returncode for one in asked]
    if not kafka:
        sys.stderr.write(f"DID NOT RUN: what is measured against Kafka. {missing.get('kafka', '')}\n")
    return next((code for code in codes if code), 0)


if __name__ == "__main__":
    sys.exit(main())
