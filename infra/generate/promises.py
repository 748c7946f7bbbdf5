"""``docs/promises.md`` out of ``docs/promises.toml``: what is promised, how it is shown, the last measured figure."""

import tomllib
from pathlib import Path
from typing import Any, Final

import msgspec

from infra.generate.faults import Fault
from infra.generate.markdown import code, notice, table

SOURCE: Final = "docs/promises.toml"
UNMEASURED: Final = "not measured yet"
TEXT = """\
# Promises

What the product promises, how each promise is shown, and the last figure that was measured. A figure is only ever one that somebody
saw on the machine named beside it; a promise that says *not measured yet* rests on its tests alone. `make test` runs the short form of
each test named here, `make break` the long ones, `make bench` the measurements.

"""
HEADER = ("", "promise", "must", "shown by", "last figure", "measured")
LATER = """
## Not shown yet

Promises that no test of this repository shows so far. They are no part of what can be relied upon.

"""


class Promise(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of the file."""

    id: str
    promise: str
    must: str = ""
    """The figure that must be reached."""
    tests: tuple[str, ...] = ()
    """``path`` or ``path::test_name`` of tests that show it."""
    command: str = ""
    """What measures it, where that is no test."""
    figure: str = ""
    date: str = ""
    """ISO date of the measurement."""
    machine: str = ""


class Promises(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file."""

    promise: tuple[Promise, ...]


def read(root: Path) -> tuple[Promise, ...]:
    """Return the promises; raise `Fault` where one names a test that is not there, or a figure without its origin."""
    try:
        entries = tomllib.loads((root / SOURCE).read_text(encoding="utf-8"))
        promises = msgspec.convert(entries, Promises).promise
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise Fault(f"{SOURCE}: {error}") from None
    for one in promises:
        _check(root, one)
    doubled = {one.id for one in promises if sum(other.id == one.id for other in promises) > 1}
    if doubled:
        raise Fault(f"{SOURCE}: ids must differ: {', '.join(sorted(doubled))}")
    return promises


def render(root: Path) -> str:
    """Return the page."""
    promises = read(root)
    shown = [one for one in promises if one.tests or one.command]
    rest = [one for one in promises if not (one.tests or one.command)]
    later = LATER + table(("", "promise", "must"), [(one.id, one.promise, one.must) for one in rest]) if rest else ""
    return notice(SOURCE) + TEXT + table(HEADER, map(_row, shown)) + later


def _row(one: Promise) -> tuple[str, ...]:
    ways = [f"[{_words(test)}](../{test.partition('::')[0]})" for test in one.tests]
    if one.command:
        ways.append(code(one.command))
    measured = f"{one.date}, {one.machine}" if one.figure else ""
    return one.id, one.promise, one.must, "; ".join(ways), one.figure or UNMEASURED, measured


def _words(test: str) -> str:
    path, _, name = test.partition("::")
    return name.removeprefix("test_").replace("_", " ") or Path(path).stem.removeprefix("test_").replace("_", " ")


def _check(root: Path, one: Promise) -> None:
    for test in one.tests:
        path, _, name = test.partition("::")
        if not (root / path).is_file():
            raise Fault(f"{SOURCE}: {one.id} names {path}, which is not there")
        if name and f"def {name}(" not in (root / path).read_text(encoding="utf-8"):
            raise Fault(f"{SOURCE}: {one.id} names {name}, which is not in {path}")
    told: tuple[Any, ...] = (one.figure, one.date, one.machine)
    if any(told) and not all(told):
        raise Fault(f"{SOURCE}: {one.id} must give figure, date and machine together, or none of them")
    if one.figure and not (one.tests or one.command):
        raise Fault(f"{SOURCE}: {one.id} has a figure, but nothing says how it was measured")
