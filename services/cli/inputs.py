"""Which files a path given on the command line means, and the list of what could not be taken."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import typer

from services.cli.output import complain, remark
from trialbridge.contracts.errors import Place, Refused
from trialbridge.emr.csv.mapping import FeedMapping, read_mapping
from trialbridge.emr.sniff import ENDINGS, UNKNOWN, media_type_of

TRIAL_ENDINGS: Final = (".yaml", ".yml", ".json")
RECORD_ENDINGS: Final = tuple(ENDINGS)
STDIN: Final = Path("/dev/stdin")
"""What ``-`` on the command line means."""
HEAD: Final = 4096
"""Bytes that tell a file's format."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """One input, or a part of one, that was refused."""

    input: str
    where: str
    code: str
    message: str


@dataclass(slots=True)
class Troubles:
    """What was refused; each is told as it comes."""

    found: list[Trouble] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    """Files in folders that are of another kind, by ending."""

    def note(self, source: Path, where: str, code: str, message: str, line: int = 0) -> None:
        """Say what was refused, at which place of the input (and line, counted from 1), and keep it."""
        self.found.append(Trouble(str(source), where, code, message))
        spot = f"{source}:{line}" if line else str(source)
        complain(f"{spot}: {where}" if where else spot, code, message)

    def warn(self, source: Path, where: Place, code: str, message: str) -> None:
        """Say what is taken all the same and may be a slip; it does not count as refused."""
        complain(f"{source}: {where}", f"warning[{code}]", message)


def is_record(path: Path) -> bool:
    """Return whether a file holds medical records, by its first bytes or the ending of its name."""
    try:
        with path.open("rb") as file:
            return media_type_of(path.name, file.read(HEAD)) != UNKNOWN
    except OSError:
        # Reading it will say what is wrong with it.
        return path.suffix.lower() in RECORD_ENDINGS


def is_trial(path: Path) -> bool:
    """Return whether a file may be a trial, by the ending of its name."""
    return path.suffix.lower() in TRIAL_ENDINGS


def files_of(path: Path, wanted: Callable[[Path], bool], troubles: Troubles) -> list[Path]:
    """Return ``path`` itself if it is a file, else the ``wanted`` files below it by name; hidden ones are left alone.

    ``-`` is standard input. Nothing there, or no such file in the folder, is a trouble; other files in a folder are remarked upon.
    """
    if str(path) == "-":
        return [STDIN]
    if not path.exists():
        troubles.note(path, "", "file.missing", "There is no such file or folder; check the path.")
        return []
    if not path.is_dir():
        return [path]
    every = [one for one in sorted(path.rglob("*")) if one.is_file() and not _hidden(one.relative_to(path))]
    chosen = [one for one in every if wanted(one)]
    others = Counter(one.suffix.lower() or "no ending" for one in every)
    others.subtract(one.suffix.lower() or "no ending" for one in chosen)
    others = +others
    troubles.skipped.update(others)
    if others:
        kinds = ", ".join(f"{count} {ending}" for ending, count in sorted(others.items()))
        remark(f"{path}: {others.total()} files of other kinds are not read ({kinds})")
    if not chosen:
        ends = ", ".join(TRIAL_ENDINGS if wanted is is_trial else RECORD_ENDINGS)
        message = f"No file in this folder can be read here; names end in {ends}."
        troubles.note(path, "", "folder.empty", message)
    return chosen


def one_stdin(*paths: Path) -> None:
    """Raise `typer.BadParameter` where standard input is to be two things."""
    if [str(path) for path in paths].count("-") > 1:
        raise typer.BadParameter("standard input can be one of the two only", param_hint="-")


def _hidden(inside: Path) -> bool:
    return any(part.startswith(".") for part in inside.parts)


def mapping_in(path: Path | None) -> FeedMapping | None:
    """Return the mapping file that the command line names, None where it names none; raise `Refused` with what is wrong in it."""
    if path is None:
        return None
    try:
        return read_mapping(path.read_bytes(), path.name)
    except OSError:
        raise Refused("file.unreadable", "The mapping file cannot be read.", Place(bundle=path.name)) from None


def read_input(path: Path, troubles: Troubles) -> bytes | None:
    """Return a file's bytes; what cannot be read is a trouble, and None."""
    try:
        return path.read_bytes()
    except OSError:
        troubles.note(path, "", "file.unreadable", "The file cannot be read; check who may read it.")
        return None
