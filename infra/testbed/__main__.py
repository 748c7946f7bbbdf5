"""``python -m infra.testbed up|down|env|fetch``: bring the servers up, print how to reach them, take them down."""

import subprocess
import sys

from infra.testbed import kafka, mongo, s3
from infra.testbed.process import RUN, NotHere, pid_of, stop

PARTS = {"mongo": mongo.up, "s3": s3.up, "kafka": kafka.up}


def up() -> tuple[dict[str, str], dict[str, str]]:
    """Start every part that this machine can have; return how to reach them, and why others are not here."""
    reach: dict[str, str] = {}
    missing: dict[str, str] = {}
    for name, begin in PARTS.items():
        try:
            reach |= begin()
        except (NotHere, OSError, subprocess.CalledProcessError) as error:
            missing[name] = str(error)
    return reach, missing


def main() -> int:
    """Run the command named on the command line; exit code 1 where a part is missing."""
    command = sys.argv[1] if len(sys.argv) > 1 else "up"
    if command == "down":
        for name in PARTS:
            stop(name)
        return 0
    if command == "fetch":
        kafka.fetch()
        mongo.fetch()
        s3.fetch()
        return 0
    if command == "env" and not all(pid_of(name) for name in PARTS):
        sys.stderr.write("the test bed is not up; run `make testbed-up`\n")
        return 1
    reach, missing = up()
    for name, value in reach.items():
        sys.stdout.write(f"export {name}='{value}'\n")
    for name, why in missing.items():
        sys.stderr.write(f"{name} is not here: {why}\n")
    sys.stderr.write(f"logs and data: {RUN}\n")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
