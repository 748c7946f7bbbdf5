"""``python -m infra.compose``: docker-compose.yml checked by ``docker compose config`` where the tool is.

Its structure (every service, known settings, loopback, secrets) is checked everywhere, by tests/unit/infra/test_compose.py.
"""

import subprocess
import sys
from typing import Final

from infra.groups import ROOT

WAYS: Final[tuple[list[str], ...]] = ([], ["--env-file", "infra/demo.env", "--profile", "demo"])
"""How the file is used: as an installation, and as a demo."""


def compose(*arguments: str) -> "subprocess.CompletedProcess[str] | None":
    """Run ``docker compose`` at the project's root; return None where it is not installed."""
    try:
        done = subprocess.run(["docker", "compose", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    except OSError:
        return None
    return None if "is not a docker command" in done.stderr or "unknown command" in done.stderr else done


def main() -> int:
    """Check the file in each way that it is used; return the exit code."""
    if compose("version") is None:
        sys.stdout.write("docker-compose.yml: docker compose is not here; the tests check its structure\n")
        return 0
    for way in WAYS:
        done = compose(*way, "config", "--quiet")
        if done is None or done.returncode != 0:
            sys.stderr.write(done.stderr if done else "")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
