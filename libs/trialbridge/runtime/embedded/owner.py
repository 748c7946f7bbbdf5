"""Opens the log's file for the one process that owns it, or says why it cannot be."""

import fcntl
import os
import sqlite3
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from trialbridge.contracts.errors import Misconfigured
from trialbridge.runtime.embedded.storage import Storage, WrongVersion

MODE: Final = 0o600
PRIMARY: Final = 0xFF


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
            is no log, ``log.broken`` where it is damaged, ``log.other-version`` where another version of the product wrote it.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = _lock(path)
        _keep_private(path)
    except OSError as error:
        raise _unusable(path, type(error).__name__) from None
    try:
        return OpenFiles(lock, Storage(path), Storage(path, read_only=True))
    except sqlite3.Error as error:
        os.close(lock)
        raise (broken(path) if is_broken(error) else _unusable(path, type(error).__name__)) from None
    except WrongVersion:
        os.close(lock)
        raise Misconfigured(
            "log.other-version",
            f"The event log {path} was written by another version; run that version, or name another path in "
            "TRIALBRIDGE_BROKER.",
        ) from None


def is_broken(error: sqlite3.Error) -> bool:
    """Return whether SQLite says that the file's pages are not what was written."""
    return getattr(error, "sqlite_errorcode", 0) & PRIMARY == sqlite3.SQLITE_CORRUPT


def broken(path: Path) -> Misconfigured:
    """Return the error of a damaged log, with what to do."""
    return Misconfigured(
        "log.broken",
        f"The event log {path} is damaged. Stop, keep a copy of its folder, and look at the disk; then restore the whole "
        "folder from a backup, or begin with an empty one and hand the bundles in again.",
    )


def _keep_private(path: Path) -> None:
    """Make the file for its owner alone, and SQLite's beside it with it; take it from others where it is there already."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, MODE))
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm", f"{path.name}.lock"):
        file = path.with_name(name)
        if file.exists() and file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            file.chmod(MODE)


def _unusable(path: Path, fault: str) -> Misconfigured:
    return Misconfigured(
        "log.unusable",
        f"The event log {path} cannot be opened ({fault}). Let this user write to its folder, or name another path in "
        "TRIALBRIDGE_BROKER.",
    )


def _lock(path: Path) -> int:
    """Take the owner's lock; it goes with the process, however that ends."""
    handle = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT, MODE)
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
