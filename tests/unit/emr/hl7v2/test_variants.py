"""The same message in other clothes: line ends, BOM, MLLP bytes, batches, delimiters, charsets give the same bytes."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.emr.hl7v2.samples import NAMES, every, message, of_type, read
from trialbridge.emr.jsontext import canonical

BATCH = ("FHS|^~\\&|EHR|NORTH", "BHS|^~\\&|EHR|NORTH", "BTS|1", "FTS|1")
SIGNS = "#$*+;:!%@`"
WRAPS: dict[str, Callable[[bytes], bytes]] = {
    "plain": lambda body: body,
    "lf": lambda body: body.replace(b"\r", b"\n"),
    "crlf": lambda body: body.replace(b"\r", b"\r\n"),
    "mixed": lambda body: body.replace(b"\r", b"\r\n", 2).replace(b"\rP", b"\nP"),
    "blank lines": lambda body: body.replace(b"\r", b"\r\r\n\n"),
    "bom": lambda body: b"\xef\xbb\xbf" + body,
    "mllp": lambda body: b"\x0b" + body + b"\x1c\r",
    "no last end": lambda body: body.rstrip(b"\r"),
    "batch": lambda body: "\r".join(BATCH[:2]).encode() + b"\r" + body + "\r".join(BATCH[2:]).encode() + b"\r",
    "utf-16": lambda body: body.decode().encode("utf-16"),
}  # fmt: skip


def output(body: str | bytes) -> bytes:
    found = read(body)
    errors = [f"{one.error.place} {one.error.code}" for one in found.set_aside]
    return b"\n".join((*map(canonical, every(found)), repr(errors).encode(), repr(found.account["leaves"]).encode()))


def redelimited(text: str, signs: str) -> str:
    """Return a message whose field, component, repetition, escape and subcomponent signs are others."""
    field, component, repetition, escape, sub = tuple(signs)
    head, rest = text[:8], text[8:]
    assert head == "MSH|^~\\&"
    table = str.maketrans({"|": field, "^": component, "~": repetition, "\\": escape, "&": sub})
    return f"MSH{field}{component}{repetition}{escape}{sub}{rest.translate(table)}"


@pytest.mark.parametrize("name", NAMES)
def test_every_kind_of_message_is_the_same_in_every_wrapping(name: str) -> None:
    text = message(name)
    plain = output(text)
    for wrapping, wrap in WRAPS.items():
        assert output(wrap(text.encode())) == plain, wrapping


@given(st.sampled_from(NAMES), st.permutations(SIGNS), st.sampled_from(sorted(WRAPS)))
@settings(max_examples=40)
def test_own_delimiters_give_the_same_bytes(name: str, signs: list[str], wrapping: str) -> None:
    text = message(name)
    used = [sign for sign in signs if sign not in text][:5]
    changed = redelimited(text, "".join(used).ljust(5)) if len(used) == 5 else redelimited(text, "\x01\x02\x03\x04\x05")
    assert output(WRAPS[wrapping](changed.encode())) == output(text)


NOTED = (
    "MSH|^~\\&|EHR|N|TB|L|20260601090000||ORU^R01|1|P|2.5.1{charset}\r"
    "PID|1||1^^^N^MR||Do^A\rOBR|1||5|A^B\rOBX|1|ST|a^A^L||{text}||||||F\r"
)


def value(body: bytes) -> str:
    [one] = of_type(read(body), "Observation")
    return str(one["valueString"])


@pytest.mark.parametrize(
    ("name", "codec"),
    [("UNICODE UTF-8", "utf-8"), ("8859/1", "iso-8859-1"), ("8859/15", "iso-8859-15"), ("8859/5", "iso-8859-5"),
     ("GB 18030-2000", "gb18030"),
     ("ISO IR87", "iso-2022-jp"), ("", "utf-8"), ("", "iso-8859-1")],
)  # fmt: skip
def test_the_charset_is_the_one_that_the_header_names(name: str, codec: str) -> None:
    text = {"iso-8859-5": "Привет", "gb18030": "血红蛋白", "iso-2022-jp": "検査"}.get(codec, "Müller é")
    assert value(NOTED.format(charset="||||||" + name, text=text).encode(codec)) == text


@pytest.mark.parametrize(
    ("written", "meant"),
    [("a\\F\\b\\S\\c\\T\\d\\R\\e\\E\\f", "a|b^c&d~e\\f"), ("\\XC3A9\\", "é"), ("\\XE9\\", "é"), ("a\\.br\\b", "a\nb"),
     ("\\H\\bold\\N\\", "bold"),
     ("100\\", "100\\"), ("a\\\\b", "a\\\\b")],
)  # fmt: skip
def test_escapes_are_resolved(written: str, meant: str) -> None:
    assert value(NOTED.format(charset="", text=written).encode()) == meant


def test_a_short_list_of_delimiters_is_completed() -> None:
    text = message("ADT_A08")
    assert "\\" not in text[8:]
    assert every(read(text.replace("MSH|^~\\&|", "MSH|^~|", 1))) == every(read(text))


def test_messages_of_a_batch_do_not_touch_each_other() -> None:
    bad = message("ADT_A28").replace("PID|1||4711^^^NORTH&2.16.840.1.113883.19.5.1&ISO^MR", "PID|1||")
    bad = bad.replace("~M9^^^LAKE^MB", "")
    found = read(message("ADT_A01") + bad + message("ORU_R01"))
    assert [(one.error.code, one.error.place.message) for one in found.set_aside] == [("v2.no-identifier", 2)]
    assert len(of_type(found, "Observation")) > 5


VERSIONS = (
    "2.1",
    "2.2",
    "2.3",
    "2.3.1",
    "2.4",
    "2.5",
    "2.5.1",
    "2.6",
    "2.7",
    "2.7.1",
    "2.8",
    "2.8.1",
    "2.8.2",
    "2.9",
    "2.5.1^DEU^L",
    "",
)


@pytest.mark.parametrize("name", ["ADT_A01", "ORU_R01", "VXU_V04", "SIU_S12"])
def test_every_version_is_read_alike(name: str) -> None:
    for version in VERSIONS:
        found = every(read(message(name).replace("|P|2.5.1|", f"|P|{version}|")))
        others = [one for one in found if one["resourceType"] != "MessageHeader"]
        assert others == [one for one in every(read(message(name))) if one["resourceType"] != "MessageHeader"], version


@pytest.mark.parametrize(
    ("name", "code"), [("ADT_A01", "ADT"), ("ADT_A40", "ADT"), ("ORU_R01", "ORU"), ("ORM_O01", "ORM")]
)
def test_the_event_may_stand_elsewhere_as_in_the_first_version(name: str, code: str) -> None:
    """2.1 has the event in EVN-1 only."""
    text = message(name)
    old = text.replace(f"|{name.replace('_', '^')}|", f"|{code}|", 1)
    assert old != text
    found, wanted = read(old), read(text)
    assert not found.set_aside
    kinds = [sorted(one["resourceType"] for one in every(some)) for some in (found, wanted)]
    assert kinds[0] == kinds[1]
    assert [one.merges for one in found.patients] == [one.merges for one in wanted.patients]
