"""Which files a path given on the command line means."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import typer


def files_of(path: Path, suffixes: Sequence[str]) -> Iterator[Path]:
    """Yield ``path`` itself if it is a file, else the files below it that end in one of ``suffixes``, by name.

    Raises `typer.BadParameter` where there is nothing at ``path``.
    """
    if path.is_file():
        yield path
    elif path.is_dir():
        yield from (one for one in sorted(path.rglob("*")) if one.is_file() and one.suffix.lower() in suffixes)
    else:
        raise typer.BadParameter(f"there is no file or folder {path}")
