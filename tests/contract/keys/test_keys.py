"""The key service port: a file key ring (a cloud key service joins this suite when it comes)."""

from pathlib import Path

import msgspec
import pytest

from trialbridge.contracts.errors import Misconfigured, Refused
from trialbridge.runtime.keys.keyring import FileKeyRing, Ring, create_keyring, read_keyring, rotate

CONTEXT = {"tenant": "north", "a": "b"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    create_keyring(tmp_path / "keys.json", ["north", "hill"])
    return tmp_path / "keys.json"


async def test_a_data_key_unwraps_in_its_context_alone(path: Path) -> None:
    ring = read_keyring(path)
    key = await ring.data_key("north", CONTEXT)
    assert len(key.plaintext) == 32
    assert key.plaintext not in key.wrapped
    assert "plaintext" not in repr(key)
    assert await ring.unwrap(key.key_id, key.wrapped, dict(reversed(CONTEXT.items()))) == key.plaintext
    other = await ring.data_key("north", CONTEXT)
    assert other.plaintext != key.plaintext
    wrong = [
        (key.key_id, key.wrapped, {"tenant": "hill"}),
        ("hill/1", key.wrapped, CONTEXT),
        (key.key_id, key.wrapped[:-1], CONTEXT),
        (key.key_id, b"", CONTEXT),
        (key.key_id, key.wrapped[:-1] + bytes([key.wrapped[-1] ^ 1]), CONTEXT),
    ]
    for key_id, wrapped, context in wrong:
        with pytest.raises(Refused) as refused:
            await ring.unwrap(key_id, wrapped, context)
        assert refused.value.code == "key.refused"


async def test_unknown_scopes_and_keys_are_refused(path: Path) -> None:
    ring = read_keyring(path)
    for call in (ring.data_key("river", {}), ring.unwrap("river/1", b"", {}), ring.unwrap("north/9", b"", {})):
        with pytest.raises(Refused) as refused:
            await call
        assert refused.value.code == "key.unknown"


def read_ring(path: Path) -> Ring:
    return msgspec.json.decode(path.read_bytes(), type=Ring)


async def test_what_an_older_key_wrapped_still_opens(path: Path) -> None:
    old = await read_keyring(path).data_key("north", CONTEXT)
    newer = FileKeyRing(rotate(read_ring(path), "north"))
    assert await newer.unwrap(old.key_id, old.wrapped, CONTEXT) == old.plaintext
    assert (await newer.data_key("north", CONTEXT)).key_id == "north/2"


def test_a_ring_that_others_may_read_is_refused(path: Path) -> None:
    path.chmod(0o640)
    with pytest.raises(Misconfigured) as refused:
        read_keyring(path)
    assert refused.value.code == "keyring.permissions"


SHORT = b'{"scopes":{"a":{"current":"a/1","keys":{"a/1":"YQ=="}}}}'
ABSENT = b'{"scopes":{"a":{"current":"a/1","keys":{}}}}'


@pytest.mark.parametrize("text", [b"", b"{}", SHORT, ABSENT])
def test_a_broken_ring_is_refused(path: Path, text: bytes) -> None:
    path.write_bytes(text)
    with pytest.raises(Misconfigured) as refused:
        read_keyring(path)
    assert refused.value.code == "keyring.broken"


def test_a_ring_is_never_overwritten(path: Path, tmp_path: Path) -> None:
    before = path.read_bytes()
    with pytest.raises(Misconfigured):
        create_keyring(path, ["x"])
    assert path.read_bytes() == before
    with pytest.raises(Misconfigured) as refused:
        read_keyring(tmp_path / "absent.json")
    assert refused.value.code == "keyring.missing"
