"""The peak that is told is the process's own."""

import subprocess
import sys

from trialbridge.testkit.memory import peak_megabytes

SHOW = "from trialbridge.testkit.memory import peak_megabytes; print(peak_megabytes())"


def test_a_child_is_not_charged_with_what_its_parent_took() -> None:
    ballast = bytearray(300_000_000)
    ballast[::4096] = b"x" * len(ballast[::4096])
    mine = peak_megabytes()
    done = subprocess.run([sys.executable, "-c", SHOW], capture_output=True, text=True, check=True)
    assert mine > 300
    assert 5 < float(done.stdout) < 100
