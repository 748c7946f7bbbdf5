"""How far portal and command line reach, as docs/adr/0007 says: documents alone, and on the machine of the stores a little more."""

import ast
from collections.abc import Iterator
from pathlib import Path

SERVICES = Path(__file__).parents[3] / "services"


def reaches_the_log(called: str) -> bool:
    """Return whether a call sends into the event log or asks it; the command line's own ``emit`` writes to the terminal."""
    of, _, name = called.rpartition(".")
    return name == "backlog" or (bool(of) and name in {"publish", "emit"})


def calls(folder: str, skip: str = "-") -> Iterator[tuple[str, str]]:
    """Yield file and dotted name of every call in a folder's code."""
    for path in sorted((SERVICES / folder).rglob("*.py")):
        name = str(path.relative_to(SERVICES / folder))
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and not name.startswith(skip):
                yield name, ast.unparse(node.func)


def test_the_portal_reaches_documents_alone() -> None:
    for _, called in calls("portal"):
        assert not reaches_the_log(called)
        assert ".objects." not in called


def test_the_command_line_hands_in_bundles_and_looks_how_far_the_log_was_read() -> None:
    found = list(calls("cli", skip="bench/"))  # the bench measures stages of its own
    assert {name for name, called in found if ".objects." in called} == {"delivery.py"}
    reaching = {(name, called) for name, called in found if reaches_the_log(called)}
    assert reaching == {("demo/settled.py", "backlog"), ("examine.py", "backlog")}
