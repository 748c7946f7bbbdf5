"""How far portal and command line reach, as docs/adr/0007 says: documents alone, and on the machine of the stores a little more."""

import ast
from collections.abc import Iterator
from pathlib import Path

SERVICES = Path(__file__).parents[3] / "services"
LOG = {"backlog", "publish", "emit"}
"""Calls that reach the event log."""


def calls(folder: str, skip: str = "-") -> Iterator[tuple[str, str]]:
    """Yield file and dotted name of every call in a folder's code."""
    for path in sorted((SERVICES / folder).rglob("*.py")):
        name = str(path.relative_to(SERVICES / folder))
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and not name.startswith(skip):
                yield name, ast.unparse(node.func)


def test_the_portal_reaches_documents_alone() -> None:
    for _, called in calls("portal"):
        assert called.rpartition(".")[2] not in LOG
        assert ".objects." not in called


def test_the_command_line_hands_in_bundles_and_looks_how_far_the_log_was_read() -> None:
    found = list(calls("cli", skip="bench/"))  # the bench measures stages of its own
    assert {name for name, called in found if ".objects." in called} == {"delivery.py"}
    reaching = {(name, called) for name, called in found if called.rpartition(".")[2] in LOG}
    assert reaching == {("demo/settled.py", "backlog"), ("examine.py", "backlog")}
