"""A folder of imported tables: what is in it is checked before it is put in force, what is written to it is whole or not there.

``manifest.json`` names the tables and their digests; a table's file is named after its digest, so that the manifest alone decides
which one counts, and replacing the manifest replaces everything at once.
"""

import contextlib
import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final, NoReturn

import msgspec

from trialbridge.contracts.errors import NOT_AS_DESCRIBED, Misconfigured, json_path
from trialbridge.criteria.terminology import Table, use
from trialbridge.criteria.terminology.imports.tables import FORM, TABLES, wrong

MANIFEST: Final = "manifest.json"
LOCK: Final = ".lock"
DIGITS: Final = 12
LARGEST: Final = 256 * 1024 * 1024
"""Bytes of a table that is read."""
_IMPORT_OF: Final = {table: word for word, table in TABLES.items()}


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One imported table."""

    file: Annotated[str, msgspec.Meta(pattern=r"^[a-z_]+-[0-9a-f]{12}\.tsv$")]
    sha256: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]
    rows: Annotated[int, msgspec.Meta(ge=1)]
    version: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$")]
    """What the release is known by; written into every verdict."""
    source: str
    """Name of the file that was imported."""
    source_sha256: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a folder of tables holds, by table."""

    tables: dict[str, Entry]
    form: int = FORM


def read_manifest(folder: Path) -> Manifest:
    """Return what a folder holds.

    Raises:
        Misconfigured: ``terminology.missing`` where there is no such folder or manifest, ``terminology.bad-manifest`` where it is
            not one.
    """
    path = folder / MANIFEST
    try:
        manifest = msgspec.json.decode(path.read_bytes(), type=Manifest)
    except OSError:
        mend = f"make it with: trialbridge terminology import oncotree FILE --into {folder}"
        raise Misconfigured("terminology.missing", f"{path} cannot be read; name another folder, or {mend}") from None
    except NOT_AS_DESCRIBED as error:
        where = f"{path} at {json_path(error)}" if isinstance(error, msgspec.ValidationError) else str(path)
        raise Misconfigured(
            "terminology.bad-manifest", f"{where} is not as an import writes it; import the tables anew."
        ) from None
    if manifest.form != FORM or not set(manifest.tables) <= set(TABLES.values()):
        message = f"{path} is of another version of the product; import the tables anew."
        raise Misconfigured("terminology.bad-manifest", message)
    return manifest


def read_folder(folder: Path) -> dict[str, Table]:
    """Return the tables of a folder, each checked against its digest and row by row.

    Raises:
        Misconfigured: as `read_manifest`; ``terminology.table-missing``, ``terminology.table-changed`` or ``terminology.bad-row``,
            naming the file, the line and how to mend it.
    """
    manifest = read_manifest(folder)
    return {name: _read_table(folder, name, entry) for name, entry in sorted(manifest.tables.items())}


def _read_table(folder: Path, name: str, entry: Entry) -> Table:
    path = folder / entry.file
    try:
        body = path.read_bytes() if path.stat().st_size <= LARGEST else b""
    except OSError:
        _refuse("table-missing", path, name, "cannot be read")
    if hashlib.sha256(body).hexdigest() != entry.sha256:
        _refuse("table-changed", path, name, "is not what was imported: its digest differs from the manifest's")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        _refuse("bad-row", path, name, "is not UTF-8 text")
    problem = wrong(name, text)
    if problem is not None:
        _refuse("bad-row", f"{path}:{problem.line}", name, f"cannot be used: {problem.message}")
    return Table(name, entry.version, text)


def _refuse(code: str, place: Path | str, table: str, what: str) -> NoReturn:
    again = f"trialbridge terminology import {_IMPORT_OF[table]} FILE --into {Path(str(place)).parent}"
    raise Misconfigured(f"terminology.{code}", f"{place} {what}. Import it again: {again}")


def use_terminology(folder: Path | None) -> None:
    """Put the tables of a folder in force in this process, or the packaged ones alone where none is named.

    Raises `Misconfigured` as `read_folder` does; then what was in force stays in force.
    """
    use({} if folder is None else read_folder(folder))


def store_table(folder: Path, name: str, text: str, entry: Entry) -> None:
    """Write a table into a folder, in place of the one before; the folder holds the old one or the new one, never a part.

    Args:
        folder: Is made where it is not there.
        name: The table, for example ``genes``.
        text: Its rows, as `entry` describes them.
        entry: What the manifest says of it.

    Raises:
        Misconfigured: ``terminology.unwritable``, or as `read_manifest` does where the folder has a manifest that is none.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(folder):
            known = read_manifest(folder).tables if (folder / MANIFEST).exists() else {}
            _replace(folder / entry.file, text.encode())
            manifest = Manifest(dict(sorted({**known, name: entry}.items())))
            _replace(folder / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)) + b"\n")
            former = known.get(name)
            if former is not None and former.file != entry.file:
                (folder / former.file).unlink(missing_ok=True)
    except OSError:
        message = f"{folder} cannot be written; name another folder with --into, or mend its owner."
        raise Misconfigured("terminology.unwritable", message) from None


def entry_of(name: str, text: str, version: str, source: str, source_body: bytes) -> Entry:
    """Return the manifest's entry for a table's text."""
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Entry(
        file=f"{name}-{digest[:DIGITS]}.tsv",
        sha256=digest,
        rows=text.count("\n") - 1,
        version=version,
        source=source,
        source_sha256=hashlib.sha256(source_body).hexdigest(),
    )


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let two imports into one folder come one after the other."""
    with (folder / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _replace(path: Path, body: bytes) -> None:
    """Write a file so that a reader, or a crash, finds the old one or the new one."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
