"""The short ways of the door end where the long ones do: archives are tarfile's, acknowledgements and refusals the reader's."""

import tarfile
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from services.gateway.conversion import archive
from services.gateway.messages import WORD, _is_read, answer, read
from trialbridge.contracts.errors import Poison
from trialbridge.emr.hl7v2.acknowledgement import acknowledge
from trialbridge.emr.hl7v2.converter import kind_of
from trialbridge.emr.hl7v2.message import parse
from trialbridge.testkit.packing import tarred

AT = datetime(2026, 6, 1, 8, tzinfo=UTC)
STAMP = AT.strftime("%Y%m%d%H%M%S%z")
NAMES = st.text("abcdef0123456789.", min_size=1, max_size=100)
FIELDS = st.text("AZ09^~&\\_.- é|", max_size=6) | st.sampled_from(
    ["ADT^A04", "ADT^A04^ADT_A01", "ZZZ^Z99", WORD, "2.5.1"]
)


@given(st.lists(st.tuples(NAMES, st.binary(max_size=1500)), max_size=20))
def test_an_archive_is_that_of_the_library(bodies: list[tuple[str, bytes]]) -> None:
    assert archive(bodies) == tarred(bodies, tarfile.USTAR_FORMAT)


def refused_the_long_way(text: str) -> bool:
    try:
        message = parse(text.split("\r", 1)[0], "1", 1)
        kind_of(message, message.header.place("1", 1, 9))
    except Poison:
        return True
    return False


@given(st.sampled_from("||||#-"), st.lists(FIELDS, min_size=8, max_size=14), FIELDS | st.just("ADT^A01"))
def test_headers_are_answered_the_same_by_either_way(sign: str, fields: list[str], kind: str) -> None:
    fields[7:8] = [kind]
    body = sign.join(["MSH", r"^~\&", *fields]) + "\rPID|1||4\r"
    for _ in range(2):
        arrival, refusals = read(body.encode())
        assert bool(refusals) == all(refused_the_long_way(text) for text in arrival.texts)
        _, ack = answer(arrival, {}, AT)
        if len(arrival.texts) == 1:
            head = arrival.texts[0].split("\r", 1)[0]
            assert ack == acknowledge(head.encode(), "AA", at=STAMP)


def test_usual_headers_are_read_once_for_all() -> None:
    head = r"MSH|^~\&|EHR|LOAD|TB|LAKELAND|{0}||ADT^A04^ADT_A01|{1}|P|2.5.1|||AL|NE||UNICODE UTF-8"
    _is_read.cache_clear()
    for time, control in (("20260601080000", "A1"), ("20260601080001", "A-2.x"), ("", "3")):
        body = head.format(time, control).encode() + b"\rPID|1||4\r"
        arrival, refusals = read(body)
        assert (refusals, answer(arrival, {}, AT)) == ([], ("AA", acknowledge(body, "AA", at=STAMP)))
        assert f"MSA|AA|{control}\r".encode() in answer(arrival, {}, AT)[1]
    assert _is_read.cache_info().misses == 1
