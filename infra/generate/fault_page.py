"""``docs/language/faults.md``: what the compiler says of faulty and doubtful trials, with an example of each that runs as a test."""

from pathlib import Path
from typing import Any, Final

import yaml

from infra.generate.markdown import code, notice, table
from trialbridge.criteria.codes import CODES, full

ROWS: Final = Path("tests/unit/criteria/faults.yaml")
TEXT: Final = """\
# Faults

`trialbridge trial lint FILE…` prints what the compiler says of each file, one line for each thing, or with `--json` one object for
each file:

    file:line: severity[code] path: message advice

An **error** refuses the trial, a **warning** does not; a **note** tells what of a CTML document has no place in a trial, and notes alike
are one line with their number, but in JSON. The exit code is 1 where a file is refused. One bad file never stops the others. Codes are
stable.

## Codes

"""
WARNED: Final = frozenset({"former-term"})
"""Codes of doubts that have no example, since they depend on the tables in use."""
EXAMPLES: Final = """
## Examples

In the order of what a file may get wrong; `criteria` alone stands for a trial with nothing else in it, `match` for a CTML document.

"""


def render(root: Path) -> str:
    """Return the page."""
    rows: list[dict[str, Any]] = yaml.safe_load((root / ROWS).read_text("utf-8"))
    severities: dict[str, set[str]] = {}
    for row in rows:
        severities.setdefault(row["code"], set()).add(row.get("severity", "error"))
    for name in CODES:
        severities.setdefault(name, {"warning" if name in WARNED else "error"})
    codes = [
        (code(full(name)), " or ".join(sorted(severities[name])), one.meaning, one.advice)
        for name, one in sorted(CODES.items())
    ]
    source = "libs/trialbridge/criteria/codes.py and tests/unit/criteria/faults.yaml"
    head = notice(source) + TEXT + table(("code", "severity", "what it means", "advice"), codes)
    return head + EXAMPLES + table(("what is wrong", "example", "code", "where"), map(_example, rows))


def _example(row: dict[str, Any]) -> tuple[str, ...]:
    shown = next((f"{key}: {row[key]}" for key in ("criteria", "match") if key in row), "")
    text = shown or str(row["text"]).replace("\t", "→").replace("\n", " ⏎ ")
    return row["fault"], code(text), code(full(row["code"])), code(row["path"])
