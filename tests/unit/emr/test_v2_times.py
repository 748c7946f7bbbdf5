"""HL7 v2 times: as precise as they are written, and never read as something else."""

import pytest

from trialbridge.contracts.errors import Place, Poison
from trialbridge.emr.hl7v2.datatypes import timestamp


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("1960", "1960"), ("196002", "1960-02"), ("19600203", "1960-02-03"), ("1960020312", "1960-02-03"),
        ("196002031230", "1960-02-03T12:30:00+00:00"), ("19600203123015", "1960-02-03T12:30:15+00:00"),
        ("19600203123015.1234-0500", "1960-02-03T12:30:15.1234-05:00"), ("196002-0500", "1960-02"),
    ],
)  # fmt: skip
def test_each_part_stands_behind_the_one_before(text: str, shown: str) -> None:
    assert timestamp(text, Place()) == shown


@pytest.mark.parametrize(
    "text",
    ["", "196", "19601", "1960020", "196002031", "19601301", "19600230", "1960020325", "\uff11\uff19\uff16\uff10"],
)
def test_others_are_refused(text: str) -> None:
    with pytest.raises(Poison) as error:
        timestamp(text, Place(field="7"))
    assert (error.value.code, error.value.place.field) == ("v2.bad-date", "7")
