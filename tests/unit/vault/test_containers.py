"""The containers: each gives back what was put in, to its own tenant alone, through one signature."""

import dataclasses
import os
from typing import cast

import pytest

from tests.unit.vault.sealed import HILL, KIND, NAMES, NORTH, PLAIN, PUBLIC, keys, sealed, secret, stored
from trialbridge.contracts.errors import Refused, Unavailable
from trialbridge.testkit.fakes import MemoryKeys
from trialbridge.vault.containers import model, table
from trialbridge.vault.containers.model import Stored
from trialbridge.vault.containers.table import container_of, open_bundle
from trialbridge.vault.keys import PrivateKind


async def refused(one: Stored, held: MemoryKeys) -> str:
    with pytest.raises(Refused) as error:
        await open_bundle(one, held)
    assert "canary" not in repr(error.value)
    assert error.value.__cause__ is None
    return error.value.code


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [0, 1, 17, model.CHUNK, model.CHUNK + 1, 3_000_000])
async def test_what_was_put_in_comes_out(name: str, size: int) -> None:
    held, plain = keys(), os.urandom(size)
    one = await sealed(name, held, plain)
    opened = await open_bundle(one, held)
    assert (opened.whole(), opened.size, opened.container) == (plain, size, name)
    assert size < 1000 or plain[:16] not in one.body


@pytest.mark.parametrize("name", NAMES)
async def test_a_large_plaintext_is_not_kept_but_made_again(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "KEPT", 100_000)
    held, plain = keys(), os.urandom(1_000_000)
    opened = await open_bundle(await sealed(name, held, plain), held)
    for _ in range(2):
        pieces = list(opened.pieces())
        assert b"".join(pieces) == plain
        assert max(map(len, pieces)) <= 2 * model.CHUNK


@pytest.mark.parametrize("name", NAMES)
async def test_it_is_known_by_its_first_bytes_or_headers(name: str) -> None:
    assert container_of(await sealed(name, keys())).name == name


async def test_what_says_nothing_is_told_what_it_lacks() -> None:
    assert await refused(stored(PLAIN), keys()) == "envelope.missing"
    assert await refused(stored(b""), keys()) == "envelope.missing"


@pytest.mark.parametrize("name", NAMES)
async def test_another_tenant_opens_nothing_with_its_own_keys(name: str) -> None:
    held = keys()
    one = dataclasses.replace(await sealed(name, held), tenant=HILL)
    assert await refused(one, held) in {"key.refused", "envelope.wrong-tenant"}


@pytest.mark.parametrize("name", PUBLIC)
async def test_a_tenant_without_a_key_is_refused(name: str) -> None:
    one = await sealed(name, keys())
    assert await refused(one, MemoryKeys("north")) == "key.unknown"
    with pytest.raises(Refused) as error:
        await sealed(name, MemoryKeys("north"))
    assert error.value.code == "key.unknown"


@pytest.mark.parametrize("name", PUBLIC)
async def test_an_older_key_goes_on_opening_and_a_withdrawn_one_does_not(name: str) -> None:
    kind = cast("PrivateKind", KIND[name])
    held = keys("north")
    before = await sealed(name, held)
    held.hold("north", kind, secret(kind, "north", 2))
    after = await sealed(name, held)
    for one in (before, after):
        assert (await open_bundle(one, held)).whole() == PLAIN
    newest = MemoryKeys("north")
    newest.hold("north", kind, secret(kind, "north", 2))
    # The second key is number 2 in one ring and 1 in the other; only the AWS message names it by that.
    assert await refused(before, newest) == "key.refused"
    assert name == "aws-encryption-sdk" or (await open_bundle(after, newest)).whole() == PLAIN


@pytest.mark.parametrize("name", NAMES)
async def test_a_plaintext_over_the_cap_is_refused(name: str) -> None:
    held = keys()
    one = await sealed(name, held, bytes(200_000))
    assert await refused(dataclasses.replace(one, most=199_999), held) == "envelope.too-large"
    assert (await open_bundle(dataclasses.replace(one, most=200_000), held)).size == 200_000


@pytest.mark.parametrize("name", NAMES)
async def test_an_outage_of_the_key_service_is_a_passing_fault(name: str) -> None:
    held = keys()
    one = await sealed(name, held)
    held.outage.away = True
    with pytest.raises(Unavailable):
        await open_bundle(one, held)


@pytest.mark.parametrize("name", NAMES)
async def test_secrets_have_no_repr(name: str) -> None:
    held = keys()
    one = await sealed(name, held)
    assert "canary" not in repr(await open_bundle(one, held))
    for kind in KIND.values():
        for key in await held.private_keys(NORTH, kind):
            assert key.secret.decode("latin-1")[:20] not in repr(key)
