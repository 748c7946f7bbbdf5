"""The table of the compiler's faults and doubts."""

from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

FILE: Final = Path(__file__).parent / "faults.yaml"


class Row(NamedTuple):
    """One fault: the file that shows it, and what is said."""

    fault: str
    text: str
    code: str
    path: str
    line: int
    severity: str = "error"
    hint: str = ""


def rows(file: Path = FILE) -> tuple[Row, ...]:
    """Return the rows of the table."""
    return tuple(_row(dict(one)) for one in yaml.safe_load(file.read_text("utf-8")))


def _row(one: dict[str, Any]) -> Row:
    if "criteria" in one:
        one["text"] = f"id: T\ncriteria: {one.pop('criteria')}\n"
    elif "match" in one:
        one["text"] = f"protocol_no: T\nmatch: [{one.pop('match')}]\n"
    return Row(**one)
