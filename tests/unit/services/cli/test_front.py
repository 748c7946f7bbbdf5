"""What stands around every command: one line for a fault, tables for people, bars on a terminal alone."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from services.cli.front import exit_code, tell_fault
from services.cli.output import headline, show_rows
from services.cli.progress import WatchedPaths, bar, watched
from trialbridge.contracts.errors import Misconfigured, Refused, Unavailable, Undecodable


def test_a_fault_is_one_line_without_its_text(capsys: pytest.CaptureFixture[str]) -> None:
    empty: dict[str, str] = {}
    try:
        empty["Eva Example"]
    except KeyError as error:
        with pytest.raises(SystemExit) as ended:
            tell_fault(KeyError, error, error.__traceback__)
    assert ended.value.code == 70
    told = capsys.readouterr().err
    assert len(told.splitlines()) == 1
    assert told.startswith("trialbridge: cli.fault: ")
    assert "KeyError at test_front" in told or "KeyError at tests" in told
    assert "Eva" not in told


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Refused("a.b", ""), 1),
        (Undecodable("a.b", ""), 1),
        (Unavailable("a.b", ""), 69),
        (Misconfigured("a.b", ""), 78),
    ],
)
def test_errors_end_with_stable_codes(error: Refused | Unavailable | Misconfigured, code: int) -> None:
    assert exit_code(error) == code


def drawn(*, terminal: bool, width: int = 40) -> str:
    """Return rows and a headline as shown."""
    console = Console(file=io.StringIO(), force_terminal=terminal, width=width, color_system=None)
    headline(console, "Rows")
    show_rows(console, ("name", "why"), [("a", "word " * 20), ("long name", "[not markup]")])
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_terminal_gets_a_table_that_fits() -> None:
    told = drawn(terminal=True)
    assert "┃ name" in told
    assert max(len(line) for line in told.splitlines()) == 40
    assert "[not markup]" in told


def test_a_pipe_gets_plain_aligned_lines() -> None:
    told = drawn(terminal=False).splitlines()
    assert told[:2] == ["Rows", "name       why"]
    assert told[2] == f"a          {'word ' * 20}".rstrip()
    assert told[3] == "long name  [not markup]"


def test_a_bar_moves_with_the_work_and_is_silent_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with bar() as progress:
        assert list(watched("abc", "letters", progress)) == ["a", "b", "c"]
        assert progress.tasks[0].completed == 3
        paths = WatchedPaths([Path("x"), Path("y")])
        paths.progress = progress
        assert list(paths) == [Path("x"), Path("y")]
        assert progress.tasks[1].completed == 2
    assert capsys.readouterr() == ("", "")
