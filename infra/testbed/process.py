"""Starting and stopping the servers of the test bed."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = Path(os.environ.get("TRIALBRIDGE_TESTBED_CACHE", ROOT / ".cache" / "testbed"))
RUN = Path(os.environ.get("TRIALBRIDGE_TESTBED_RUN", ROOT / ".testbed"))


class NotHere(Exception):
    """This machine lacks what a part of the test bed needs; the text says what and how to get it."""


def alive(pid: int) -> bool:
    """Return whether a process runs (a zombie does not)."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def pid_of(name: str) -> int | None:
    """Return the pid of a running part, or None."""
    with contextlib.suppress(OSError, ValueError):
        pid = int((RUN / name / "pid").read_text())
        if alive(pid):
            return pid
    return None


def free_port(wanted: int) -> int:
    """Return ``wanted`` if it is free on loopback, else some free port."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return int(probe.getsockname()[1])
    raise NotHere("No free port on loopback.")


def start(
    name: str,
    command: Sequence[str],
    ready: Callable[[], bool],
    env: Mapping[str, str] | None = None,
    seconds: float = 60,
) -> int:
    """Start a server in its own session, wait until ``ready``, and return its pid; its output goes to RUN/name/log."""
    folder = RUN / name
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "log").open("wb") as log:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env={**os.environ, **(env or {})},
        )
    (folder / "pid").write_text(str(child.pid))
    deadline = time.monotonic() + seconds
    while not ready():
        if child.poll() is not None or time.monotonic() > deadline:
            tail = (folder / "log").read_text(errors="replace")[-2000:]
            stop(name)
            raise NotHere(f"{name} did not start:\n{tail}")
        time.sleep(0.05)
    return child.pid


def stop(name: str, how: signal.Signals = signal.SIGTERM, seconds: float = 20) -> None:
    """Stop a part and wait for its end; a second signal is SIGKILL."""
    pid = pid_of(name)
    if pid is not None:
        os.kill(pid, how)
        deadline = time.monotonic() + seconds
        while alive(pid) and time.monotonic() < deadline:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
            time.sleep(0.05)
        if alive(pid):
            os.kill(pid, signal.SIGKILL)
    (RUN / name / "pid").unlink(missing_ok=True)


def answers(port: int) -> bool:
    """Return whether something listens on a loopback port."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
        return True
    return False
