"""A private key in the ring that nobody can read any more: passed over where another key can do it, and told of where none can."""

from collections.abc import Sequence

import pytest

from tests.unit.vault.sealed import KIND, NORTH, PLAIN, PUBLIC, keys, secret, stored
from tests.unit.vault.test_containers import refused
from trialbridge.contracts.errors import Misconfigured
from trialbridge.testkit.fakes import MemoryKeys
from trialbridge.vault.containers.table import BY_NAME, open_bundle
from trialbridge.vault.keys import PrivateKey, PrivateKind

GARBAGE = (
    b"",
    b"-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nAAAA\n",
    b"-----BEGIN PRIVATE KEY-----\nAAAA\n",
    b"\xff" * 90,
    "ä".encode("latin-1"),
)


class OddKeys(MemoryKeys):
    """A key service whose private keys are whatever it is given."""

    def __init__(self, *secrets: bytes, kind: str) -> None:
        super().__init__("north")
        self._kind = kind
        self._secrets = secrets

    async def private_keys(self, tenant: str, kind: str) -> Sequence[PrivateKey]:
        assert (tenant, kind) == ("north", self._kind)
        count = len(self._secrets)
        return [PrivateKey(f"north/{kind}/{count - at}", one) for at, one in enumerate(self._secrets)]


def kind_of(name: str) -> PrivateKind:
    return KIND[name]  # type: ignore[return-value]


@pytest.mark.parametrize("garbage", GARBAGE)
@pytest.mark.parametrize("name", PUBLIC)
async def test_a_key_that_cannot_be_read_is_passed_over(name: str, garbage: bytes) -> None:
    good = secret(kind_of(name), "north")
    held = OddKeys(garbage, good, garbage, kind=KIND[name])
    body, metadata = await BY_NAME[name].seal(PLAIN, NORTH, held)
    assert (await open_bundle(stored(body, metadata), held)).whole() == PLAIN
    if name != "aws-encryption-sdk":  # there a message names its key, which has another number here
        assert (await open_bundle(stored(body, metadata), keys())).whole() == PLAIN


@pytest.mark.parametrize("garbage", GARBAGE)
@pytest.mark.parametrize("name", PUBLIC)
async def test_where_no_key_can_be_read_it_is_said_which_and_how_to_mend_it(name: str, garbage: bytes) -> None:
    held = OddKeys(garbage, garbage, kind=KIND[name])
    with pytest.raises(Misconfigured) as error:
        await BY_NAME[name].seal(PLAIN, NORTH, held)
    assert error.value.code == "key.unreadable"
    assert f"north/{KIND[name]}/2" in error.value.message
    assert "trialbridge keys recipient" in error.value.message
    assert error.value.__cause__ is None
    body, metadata = await BY_NAME[name].seal(PLAIN, NORTH, keys())
    assert await refused(stored(body, metadata), held) == "key.unknown"
