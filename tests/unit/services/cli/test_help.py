"""The help of every command: each command and each option says what it is for."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from services.cli.app import app
from tests.unit.services.cli.conftest import Invoke

NAMED = {
    "demo",
    "run",
    "ticket",
    "match",
    "feasibility",
    "convert",
    "trial",
    "dead-letters",
    "notifications",
    "codes",
    "bench",
    "doctor",
    "keys",
    "gateway",
    "terminology",
}


def commands(command: Any = None, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield every command and group with its words."""
    found = command or get_command(app)
    yield path, found
    if isinstance(found, TyperGroup):
        context: Any = None
        for name in found.list_commands(context):
            yield from commands(found.get_command(context, name), (*path, name))


EVERY = dict(commands())


def test_all_named_commands_are_there() -> None:
    assert {path[0] for path in EVERY if path} == NAMED


@pytest.mark.parametrize("path", EVERY, ids=" ".join)
def test_everything_is_explained(cli: Invoke, path: tuple[str, ...]) -> None:
    command = EVERY[path]
    assert command.help or path == ()
    for parameter in command.params:
        assert getattr(parameter, "help", None), f"{' '.join(path)} {parameter.name}"
    result = cli(*path, "--help")
    assert result.exit_code == 0
    assert max(len(line) for line in result.stdout.splitlines()) <= 80
    words = re.sub(r"[\s│]+", " ", result.stdout)
    for parameter in command.params:
        for option in getattr(parameter, "opts", ()):
            assert not option.startswith("--") or option in words


@pytest.mark.parametrize(
    "arguments",
    [("nonsense",), ("match",), ("convert", "x"), ("trial", "lnit", "x"), ("run", "x"), ("demo", "--seed", "x")],
)
def test_a_command_line_that_is_not_understood_ends_with_2(cli: Invoke, arguments: tuple[str, ...]) -> None:
    result = cli(*arguments)
    assert result.exit_code == 2
    assert "Error" in result.stderr
    assert result.stdout == ""


def test_an_unknown_service_is_answered_with_those_there_are(cli: Invoke) -> None:
    words = " ".join(cli("run", "x").stderr.split())
    for name in ("coatcheck", "gateway", "patientview", "trialfeed", "matcher", "matchbook", "notifier", "portal"):
        assert name in words
