"""The scanner finds planted identifiers however a careless dump would show them, and nothing else."""

import base64
import urllib.parse

import pytest

from trialbridge.testkit.canaries import CANARIES, TEXTS, find_canaries


@pytest.mark.parametrize("canary", CANARIES)
@pytest.mark.parametrize("before", [b"", b"a", b"ab", b"abc"])
def test_a_canary_is_found_plain_upper_hex_and_base64(canary: object, before: bytes) -> None:
    text = getattr(canary, "text")  # noqa: B009 - parametrised objects have no static type here
    raw = before + text.encode() + b"tail"
    for shown in (raw, raw.upper(), raw.hex().encode(), base64.b64encode(raw)):
        assert text in find_canaries(shown)


def test_text_and_bytes_are_scanned_alike() -> None:
    assert find_canaries(f"patient {TEXTS[0]} seen") == find_canaries(f"patient {TEXTS[0]} seen".encode()) == [TEXTS[0]]


def test_ordinary_text_holds_none() -> None:
    ordinary = "spk_00f3 Ada Birchwood NC100007 +1-555-014-2201 envelope.tag-mismatch"
    assert find_canaries(ordinary) == []
    assert find_canaries(urllib.parse.quote(ordinary)) == []
