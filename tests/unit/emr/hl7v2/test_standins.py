"""Signs that stand for texts while something is learnt, in a message of somebody else: they stay what they are."""

import re

import pytest

from tests.unit.emr.hl7v2.samples import cold_and_warm_agree
from trialbridge.emr.hl7v2.standins import CLOSE, OPEN, stand_in
from trialbridge.testkit.v2_bench import admission, report


def each_component(text: str, put: str) -> list[str]:
    """Return the message with ``put`` in place of each of its components in turn, but the delimiters and the type."""
    head, rest = text.split("|", 9)[:9], text.split("|", 9)[9]
    spots = [one.span() for one in re.finditer(r"[^|^~&\r]+", rest)]
    begun = "|".join(head) + "|"
    return [begun + rest[:start] + put + rest[end:] for start, end in spots if rest[end : end + 1] != "|" or start]


@pytest.mark.parametrize("text", [admission(1, 700), report(1, 900)])
@pytest.mark.parametrize("put", [stand_in(0, ""), stand_in(1, "a b"), OPEN, CLOSE + "7"])
def test_stand_ins_of_a_sender_are_read_as_any_other_text(text: str, put: str) -> None:
    bodies = each_component(text, put)
    assert len(bodies) > 60
    cold_and_warm_agree([text, text, text, *bodies])
