"""Acknowledgements: to whom, about what, and where in the message the errors are."""

import pytest

from trialbridge.contracts.errors import Place, Poison
from trialbridge.contracts.ids import NetworkId, SourceId, TenantId
from trialbridge.emr.convert import convert
from trialbridge.emr.hl7v2.acknowledgement import acknowledge
from trialbridge.emr.records import Entry, Feed

AT = "20260601090001+0000"
SENT = (
    b"MSH|^~\\&|EHR|NORTH|TB|LAKELAND|20260601090000+0000||ADT^A01^ADT_A01|M77|P|2.5.1\r"
    b"PID|1||123^^^N^MR||Doe^Ann||19600102|F\rDG1|1||C34.1^Lung^I10C||20261399|F\r"
)
FEED = Feed(NetworkId("n"), TenantId("t"), SourceId("t/s"), "2026-06-01T06:00:00Z")


def fields(answer: bytes) -> dict[str, list[str]]:
    return {line[:3]: line.split("|") for line in answer.decode().split("\r") if line}


def test_an_answer_goes_back_to_the_sender_about_its_message() -> None:
    found = fields(acknowledge(SENT, "AA", at=AT))
    assert found["MSH"][2:6] == ["TB", "LAKELAND", "EHR", "NORTH"]
    assert (found["MSH"][6], found["MSH"][8], found["MSH"][10], found["MSH"][11]) == (AT, "ACK^A01^ACK", "P", "2.5.1")
    assert found["MSA"] == ["MSA", "AA", "M77"]
    assert "ERR" not in found


def test_errors_of_the_conversion_are_located_in_the_answer() -> None:
    faults = [one.error for one in convert([Entry("m", "x-application/hl7-v2+er7", SENT)], FEED).set_aside]
    found = fields(acknowledge(SENT, "AE", faults, at=AT, control="A1"))
    assert found["MSA"] == ["MSA", "AE", "M77"]
    assert found["MSH"][9] == "A1"
    assert found["ERR"][2:6] == ["DG1^1^5", "102^Data type error^HL70357", "E", "v2.bad-date^^L"]
    assert "20261399" not in "|".join(found["ERR"])


def test_the_sender_delimiters_are_used_and_escaped() -> None:
    body = b"MSH#*~\\&#EHR*1#NORTH#TB##20260601##ADT*A01#M*7#P#2.3\rPID#1\r"
    fault = Poison("v2.bad-date", "5 # 6 * 7", Place(segment="PID[1]", field="7"))
    answer = acknowledge(body, "AE", [fault], at=AT).decode()
    assert answer.startswith("MSH#*~\\&#TB##EHR*1#NORTH#")
    assert "MSA#AE#M*7\r" in answer
    assert "ERR##PID*1*7#102*Data type error*HL70357#E#v2.bad-date**L###5 \\F\\ 6 \\S\\ 7" in answer


@pytest.mark.parametrize("body", [b"", b"hello", b"\x0b\x1c\r", b"MSH", b"PID|1||7"])
def test_what_is_no_message_is_refused_in_the_usual_form(body: bytes) -> None:
    fault = Poison("v2.no-header", "The message does not begin with an MSH segment.", Place(message=1))
    found = fields(acknowledge(body, "AR", [fault], at=AT))
    assert found["MSH"][:2] == ["MSH", "^~\\&"]
    assert found["MSA"] == ["MSA", "AR"]
    assert found["ERR"][3] == "100^Segment sequence error^HL70357"


def test_mllp_bytes_and_line_ends_do_not_matter() -> None:
    assert acknowledge(b"\x0b" + SENT.replace(b"\r", b"\n") + b"\x1c\r", "AA", at=AT) == acknowledge(SENT, "AA", at=AT)
