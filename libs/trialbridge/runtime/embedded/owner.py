"""Opens the log's file for the one process that owns it, or says why it cannot be."""

import fcntl
import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from trialbridge.contracts.errors import Misconfigured
from trialbridge.runtime.embedded.storage import Storage, WrongVersion


@dataclass(frozen=True, slots=True)
class OpenFiles:
    """The lock, and a connection for writing and one for reading."""

    lock: int
    writer: Storage
    reader: Storage

    def close(self) -> None:
        """Close the connections, then give up the lock."""
        self.writer.close()
        self.reader.close()
        os.close(self.lock)


def open_files(path: Path) -> OpenFiles:
    """Return the locked and opened file of ``path``.

    Raises:
        Misconfigured: ``log.in-use`` where another process owns it, ``log.unusable`` where it cannot be read and written or
            is no log, ``log.other-version`` where another version of the product wrote it.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = _lock(path)
    except OSError as error:
        raise _unusable(path, type(error).__name__) from None
    try:
        return OpenFiles(lock, Storage(path), Storage(path, read_only=True))
    except sqlite3.Error as error:
        os.close(lock)
        raise _unusable(path, type(error).__name__) from None
    except WrongVersion:
        os.close(lock)
        raise Misconfigured(
            "log.other-version",
            f"The event log {path} was written by another version; run that version, or name another path in "
            "TRIALBRIDGE_BROKER.",
        ) from None


def _unusable(path: Path, fault: str) -> Misconfigured:
    return Misconfigured(
        "log.unusable",
        f"The event log {path} cannot be opened ({fault}). Let this user write to its folder, or name another path in "
        "TRIALBRIDGE_BROKER.",
    )


def _lock(path: Path) -> int:
    """Take the owner's lock; it goes with the process, however that ends."""
    handle = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise Misconfigured(
            "log.in-use",
            f"Another process owns the event log {path}. The embedded log serves one process: stop the other one, "
            "or name another path in TRIALBRIDGE_BROKER.",
        ) from None
    return handle
