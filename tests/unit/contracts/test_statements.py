"""A statement on top of the one in force: what is left out stays, and what does not hold together is refused."""

from typing import Any

import msgspec
import pytest

from trialbridge.contracts.documents import RegulatoryDoc, TrialDoc
from trialbridge.contracts.errors import Refused
from trialbridge.contracts.statements import Said, statement_of, told_of

TRIAL = TrialDoc(
    id="T-1", version=1, lab="aurora", title="A trial", status="open", digest="d", definition=msgspec.Raw(b"{}"),
    sites=msgspec.Raw(b'[{"id":"north"},{"id":"south"}]'),
)  # fmt: skip
HELD = RegulatoryDoc(
    id="T-1",
    version=3,
    approved=True,
    hold=True,
    hold_reason="A report.",
    authority="Board",
    sites={"north": "inactive"},
)


def test_the_first_statement_says_all_that_is_not_named_as_no() -> None:
    assert statement_of(TRIAL, None, Said("Board", approved=True)) == {
        "trial": "T-1", "seq": 1, "approved": True, "hold": False, "hold_reason": "", "authority": "Board", "sites": {},
        "effective": "",
    }  # fmt: skip


def test_what_is_not_named_stays_as_it_is_in_force() -> None:
    lifted = statement_of(TRIAL, HELD, Said("Board", hold=False))
    assert (lifted["seq"], lifted["approved"], lifted["hold"], lifted["hold_reason"]) == (4, True, False, "")
    assert lifted["sites"] == {"north": "inactive"}
    moved = statement_of(TRIAL, HELD, Said("Agency", sites={"south": "active"}))
    assert (moved["hold"], moved["hold_reason"], moved["authority"]) == (True, "A report.", "Agency")
    assert moved["sites"] == {"north": "inactive", "south": "active"}
    assert told_of(moved) == "Agency: approved, on hold: A report., north inactive, south active"


@pytest.mark.parametrize(
    ("known", "said", "code"),
    [
        (None, {"authority": " ", "approved": True}, "regulatory.no-authority"),
        (None, {"authority": "B", "hold": True}, "regulatory.no-reason"),
        (None, {"authority": "B", "sites": {"nroth": "active"}}, "regulatory.unknown-site"),
        (None, {"authority": "B", "sites": {"north": "open"}}, "regulatory.bad-site"),
        (HELD, {"authority": "Board"}, "regulatory.nothing"),
        (HELD, {"authority": "Board", "hold": True, "approved": True}, "regulatory.nothing"),
    ],
)
def test_what_does_not_hold_together_is_refused(known: RegulatoryDoc | None, said: dict[str, Any], code: str) -> None:
    with pytest.raises(Refused) as refused:
        statement_of(TRIAL, known, Said(**said))
    assert refused.value.code == code
