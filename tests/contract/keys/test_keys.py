"""The key service port: a file key ring, and its twin in memory (a cloud key service joins this suite when it comes)."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from trialbridge.contracts.errors import Misconfigured, Refused
from trialbridge.runtime.keys.keyring import create_keyring, read_keyring, rotate_keyring
from trialbridge.runtime.keys.private import add_private
from trialbridge.runtime.keys.ring import private_of, read_ring
from trialbridge.runtime.ports import KeyService
from trialbridge.testkit.fakes import MemoryKeys
from trialbridge.vault import recipients
from trialbridge.vault.keys import PrivateKind

CONTEXT = {"tenant": "north", "a": "b"}


@pytest.fixture(params=["file", "memory"])
def keys(request: pytest.FixtureRequest, tmp_path: Path) -> KeyService:
    if request.param == "memory":
        return MemoryKeys("north", "hill", "lakeland")
    create_keyring(tmp_path / "keys.json", ["north", "hill", "lakeland"])
    return read_keyring(tmp_path / "keys.json")


async def refused(keys: KeyService, key_id: str, wrapped: bytes, context: dict[str, str]) -> str:
    with pytest.raises(Refused) as error:
        await keys.unwrap(key_id, wrapped, context)
    return error.value.code


async def test_a_data_key_is_fresh_and_never_shown(keys: KeyService) -> None:
    key, other = await keys.data_key("north", CONTEXT), await keys.data_key("north", CONTEXT)
    assert len(key.plaintext) == 32
    assert key.plaintext != other.plaintext
    assert key.plaintext not in key.wrapped
    assert key.wrapped != other.wrapped
    assert "plaintext" not in repr(key)
    await keys.ping()


async def test_it_opens_in_its_context_whatever_the_order(keys: KeyService) -> None:
    key = await keys.data_key("north", CONTEXT)
    assert await keys.unwrap(key.key_id, key.wrapped, dict(reversed(CONTEXT.items()))) == key.plaintext


async def test_the_wrapped_key_names_its_wrapping_key(keys: KeyService) -> None:
    key = await keys.data_key("north", CONTEXT)
    assert key.key_id == "north/1"
    assert await keys.unwrap("", key.wrapped, CONTEXT) == key.plaintext


@pytest.mark.parametrize(
    "context",
    [{}, {"tenant": "north"}, {"tenant": "north", "a": "c"}, {**CONTEXT, "c": "d"}, {"tenant": "hill", "a": "b"}],
)
async def test_another_context_is_refused(keys: KeyService, context: dict[str, str]) -> None:
    key = await keys.data_key("north", CONTEXT)
    assert await refused(keys, key.key_id, key.wrapped, context) == "key.refused"


async def test_another_key_is_refused(keys: KeyService) -> None:
    key = await keys.data_key("north", CONTEXT)
    assert await refused(keys, "hill/1", key.wrapped, CONTEXT) == "key.refused"
    renamed = key.wrapped.replace(b"north/1", b"hill/1")
    assert await refused(keys, "", bytes([1, 6]) + renamed[2:], CONTEXT) == "key.refused"


async def test_every_changed_bit_and_every_cut_is_refused(keys: KeyService) -> None:
    key = await keys.data_key("north", CONTEXT)
    for bit in range(len(key.wrapped) * 8):
        changed = bytearray(key.wrapped)
        changed[bit // 8] ^= 1 << bit % 8
        assert await refused(keys, key.key_id, bytes(changed), CONTEXT) == "key.refused"
        assert await refused(keys, "", bytes(changed), CONTEXT) in {"key.refused", "key.unknown"}
    for length in range(len(key.wrapped)):
        assert await refused(keys, key.key_id, key.wrapped[:length], CONTEXT) == "key.refused"


async def test_unknown_scopes_and_keys_are_refused(keys: KeyService) -> None:
    for call in (keys.data_key("river", {}), keys.unwrap("river/1", b"", {}), keys.unwrap("north/9", b"", {})):
        with pytest.raises(Refused) as error:
            await call
        assert error.value.code == "key.unknown"


@pytest.mark.parametrize("name", ["tenant", "network"])
async def test_holding_a_key_of_ones_own_makes_nothing_for_others(keys: KeyService, name: str) -> None:
    with pytest.raises(Refused) as error:
        await keys.data_key("hill", {name: "north"})
    assert error.value.code == "key.refused"


async def test_what_belongs_to_nobody_has_the_default_scope(keys: KeyService) -> None:
    key = await keys.data_key("default", {"network": ""})
    assert await keys.unwrap(key.key_id, key.wrapped, {"network": ""}) == key.plaintext


async def test_private_keys_are_a_tenants_own_and_the_newest_comes_first(keys: KeyService, tmp_path: Path) -> None:
    ring = tmp_path / "keys.json"

    def hold(tenant: str, kind: PrivateKind) -> bytes:
        secret = recipients.make(kind, tenant, datetime(2026, 6, 1, tzinfo=UTC))
        if isinstance(keys, MemoryKeys):
            keys.hold(tenant, kind, secret)
        else:
            add_private(ring, tenant, kind, secret)
        return secret

    made = [hold("north", "age") for _ in range(11)]
    hold("north", "openpgp")
    found = await keys.private_keys("north", "age")
    assert [key.secret for key in found] == made[::-1]
    assert found[0].name == "north/age/11"
    assert made[0].decode() not in repr(found)
    for tenant, kind in (("hill", "age"), ("north", "cms"), ("river", "age"), ("nor", "age"), ("north/age", "age")):
        assert list(await keys.private_keys(tenant, kind)) == []
    with pytest.raises(Refused) as error:
        recipients.public("age", b"no key")
    assert error.value.code == "key.broken"


def test_a_ring_keeps_private_keys_through_rotation_and_refuses_what_is_none(tmp_path: Path) -> None:
    ring = tmp_path / "keys.json"
    create_keyring(ring, ["north"])
    secret = recipients.make("age", "north", datetime(2026, 6, 1, tzinfo=UTC))
    assert add_private(ring, "north", "age", secret) == "north/age/1"
    rotate_keyring(ring)
    assert [key.secret for key in private_of(read_ring(ring), "north", "age")] == [secret]
    for kind in ("openpgp", "cms", "esdk"):
        with pytest.raises(Refused) as error:
            add_private(ring, "north", kind, secret)
        assert error.value.code == "key.broken"
    with pytest.raises(Misconfigured) as wrong:
        add_private(ring, "river", "age", secret)
    assert wrong.value.code == "keyring.no-scope"
    ring.write_bytes(ring.read_bytes().replace(b"north/age/1", b"hill//age/1"))
    with pytest.raises(Misconfigured) as broken:
        read_ring(ring)
    assert broken.value.code == "keyring.broken"
