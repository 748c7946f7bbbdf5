"""``make test``: bring up what this machine can have, run every suite, and say plainly which did not run and why."""

import os
import shutil
import subprocess
import sys

from infra.testbed.__main__ import up

SIDE_BY_SIDE = ("-n", "3", "--dist", "loadfile", "--no-loadscope-reorder")
"""Three files at a time, on two cores as well: the long ones wait more than they work. In the order of names: the long ones first."""
APT = ("chromium", "libcurl4")


def _packages() -> None:
    """Install the browser (and mongod's one library) on a bare Debian machine where we may; elsewhere leave things as they are."""
    if shutil.which("chromium") or os.geteuid() != 0 or not shutil.which("apt-get"):
        return
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "-q"], env=env, check=False, **quiet)  # type: ignore[call-overload]
    subprocess.run(["apt-get", "install", "-qy", "--no-install-recommends", *APT], env=env, check=False, **quiet)  # type: ignore[call-overload]


def main() -> int:
    """Run the suites; the exit code is pytest's, or 1 where a suite could not run in CI."""
    _packages()
    reach, missing = up()
    if not shutil.which("chromium"):
        missing["browser"] = "Chromium is not installed (apt-get install chromium)."
    arguments = sys.argv[1:] or ["-m", "not slow", *SIDE_BY_SIDE]
    code = subprocess.run(
        [sys.executable, "-m", "pytest", *arguments], env={**os.environ, **reach}, check=False
    ).returncode
    for name, why in missing.items():
        sys.stderr.write(f"DID NOT RUN: the suites that need {name}. {why}\n")
    return code or int(bool(missing) and os.environ.get("CI") == "true")


if __name__ == "__main__":
    sys.exit(main())
