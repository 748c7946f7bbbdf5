"""The page of promises never says more than its source knows."""

from pathlib import Path

import pytest

from infra.generate import promises
from infra.generate.faults import Fault

SHOWN = (
    '[[promise]]\nid = "a"\npromise = "It holds."\ntests = ["tests/unit/infra/test_promises.py::test_a_good_source"]\n'
)


def page(root: Path, source: str) -> str:
    (root / promises.SOURCE).write_text(source)
    return promises.render(root)


def test_a_good_source(root: Path) -> None:
    measured = 'figure = "0 of 20"\ndate = "2026-11-20"\nmachine = "2 cores"\n'
    said = page(root, SHOWN + measured)
    assert "It holds." in said
    assert "[a good source](../tests/unit/infra/test_promises.py)" in said
    assert "0 of 20 | 2026-11-20, 2 cores" in said


def test_what_nobody_measured_says_so(root: Path) -> None:
    assert "| not measured yet |" in page(root, SHOWN)


def test_what_no_test_shows_is_listed_apart(root: Path) -> None:
    said = page(root, SHOWN + '[[promise]]\nid = "b"\npromise = "It will."\n')
    assert said.index("Not shown yet") < said.index("It will.")
    assert said.index("It holds.") < said.index("Not shown yet")


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        (SHOWN.replace("test_a_good_source", "test_nothing"), "test_nothing, which is not in"),
        (SHOWN.replace("infra/test_promises", "infra/gone"), "gone.py, which is not there"),
        (SHOWN + 'figure = "0"\n', "figure, date and machine together"),
        (SHOWN + 'date = "2026-11-20"\n', "figure, date and machine together"),
        (SHOWN + SHOWN, "ids must differ"),
        (SHOWN + 'figur = "0"\n', "unknown field"),
        (SHOWN + "figure = \n", "Invalid value"),
        (
            '[[promise]]\nid = "a"\npromise = "x"\nfigure = "1"\ndate = "d"\nmachine = "m"\n',
            "nothing says how it was measured",
        ),
    ],
)
def test_a_source_that_is_not_true_is_refused(root: Path, source: str, complaint: str) -> None:
    with pytest.raises(Fault, match=complaint):
        page(root, source)


def test_the_projects_own_source_is_sound(root: Path) -> None:
    assert promises.read(root)
