"""The key ring's file: its mode, its rotation under a running service, and what it says when it cannot be used."""

import stat
import threading
from pathlib import Path

import msgspec
import pytest

from trialbridge.contracts.errors import Misconfigured, Refused, Unavailable
from trialbridge.runtime.keys.keyring import (
    FileKeyRing,
    Ring,
    add_scopes,
    create_keyring,
    read_keyring,
    rotate,
    rotate_keyring,
)
from trialbridge.runtime.keys.ring import read_ring

CONTEXT = {"tenant": "north"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    create_keyring(tmp_path / "state" / "keys.json", ["north", "hill"])
    return tmp_path / "state" / "keys.json"


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def move(path: Path, suffix: str) -> Path:
    return path.rename(path.with_suffix(suffix))


def test_a_new_ring_is_its_owners_alone_and_leaves_nothing_beside_it(path: Path) -> None:
    assert mode_of(path) == 0o600
    assert list(read_ring(path).scopes) == ["default", "hill", "north"]
    assert [file.name for file in path.parent.iterdir()] == ["keys.json"]


async def test_a_running_service_takes_a_rotated_ring_and_opens_what_is_old(path: Path) -> None:
    service = read_keyring(path)
    old = await service.data_key("north", CONTEXT)
    rotate_keyring(path, ["north"])
    new = await service.data_key("north", CONTEXT)
    assert (old.key_id, new.key_id) == ("north/1", "north/2")
    assert await service.unwrap(old.key_id, old.wrapped, CONTEXT) == old.plaintext
    assert await read_keyring(path).unwrap(new.key_id, new.wrapped, CONTEXT) == new.plaintext
    assert mode_of(path) == 0o600
    assert read_ring(path).scopes["hill"].current == "hill/1"


def test_the_ids_of_people_stay_the_same_for_the_rings_life_and_are_its_own(path: Path, tmp_path: Path) -> None:
    before = read_keyring(path).pseudonyms()
    rotate_keyring(path)
    assert read_keyring(path).pseudonyms() == before
    create_keyring(tmp_path / "other.json", ["north"])
    assert read_keyring(tmp_path / "other.json").pseudonyms() != before


def test_a_ring_without_the_key_of_the_ids_is_refused(path: Path) -> None:
    path.write_bytes(msgspec.json.encode(msgspec.structs.replace(read_ring(path), pseudonym_key=b"")))
    with pytest.raises(Misconfigured) as error:
        read_ring(path)
    assert error.value.code == "keyring.broken"


def test_rotating_without_names_rotates_all(path: Path) -> None:
    rotate_keyring(path)
    assert {scope.current for scope in read_ring(path).scopes.values()} == {"default/2", "hill/2", "north/2"}


async def test_adding_scopes_leaves_those_that_are_there(path: Path) -> None:
    service = read_keyring(path)
    add_scopes(path, ["north", "river"])
    assert read_ring(path).scopes["north"].current == "north/1"
    assert (await service.data_key("river", {"tenant": "river"})).key_id == "river/1"


def test_two_changes_at_once_lose_no_key(path: Path) -> None:
    names = [f"clinic-{n}" for n in range(12)]
    threads = [threading.Thread(target=add_scopes, args=(path, [name])) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(read_ring(path).scopes) == {"default", "hill", "north", *names}


def test_the_number_of_a_new_key_was_never_given_before(path: Path) -> None:
    ring = rotate(rotate(read_ring(path), "north"), "north")
    left = ring.scopes["north"].keys
    ring = Ring({"north": type(ring.scopes["north"])("north/3", {"north/3": left["north/3"]})})
    assert rotate(ring, "north").scopes["north"].current == "north/4"


async def test_a_ring_that_was_taken_away_opens_nothing_and_comes_back(path: Path) -> None:
    service = read_keyring(path)
    key = await service.data_key("north", CONTEXT)
    away = move(path, ".away")
    for call in (service.ping(), service.data_key("north", CONTEXT), service.unwrap("", key.wrapped, CONTEXT)):
        with pytest.raises(Unavailable) as error:
            await call
        assert error.value.code == "keys.unavailable"
    move(away, ".json")
    assert await service.unwrap("", key.wrapped, CONTEXT) == key.plaintext


async def test_a_ring_without_a_file_needs_none() -> None:
    service = FileKeyRing(rotate(Ring({}), "north"))
    await service.ping()
    with pytest.raises(Refused):
        await service.data_key("hill", {})


def test_a_ring_that_others_may_read_is_refused(path: Path) -> None:
    for mode in (0o640, 0o604, 0o610, 0o602):
        path.chmod(mode)
        with pytest.raises(Misconfigured) as error:
            read_keyring(path)
        assert error.value.code == "keyring.permissions"
        assert "chmod 600" in error.value.message


SHORT = b'{"scopes":{"a":{"current":"a/1","keys":{"a/1":"YQ=="}}}}'
ABSENT = b'{"scopes":{"a":{"current":"a/1","keys":{}}}}'
FOREIGN = b'{"scopes":{"a":{"current":"b/1","keys":{"b/1":"' + b"A" * 43 + b'="}}}}'
LATER = b'{"version":2,"scopes":{}}'


@pytest.mark.parametrize("text", [b"", b"{}", b"\xff", SHORT, ABSENT, FOREIGN, LATER])
def test_a_broken_ring_is_refused(path: Path, text: bytes) -> None:
    path.write_bytes(text)
    with pytest.raises(Misconfigured) as error:
        read_keyring(path)
    assert error.value.code == "keyring.broken"


def test_a_ring_is_never_overwritten(path: Path) -> None:
    before = path.read_bytes()
    with pytest.raises(Misconfigured) as error:
        create_keyring(path, ["x"])
    assert error.value.code == "keyring.exists"
    assert path.read_bytes() == before


def test_a_ring_that_is_not_there_says_how_to_mend_it(path: Path) -> None:
    with pytest.raises(Misconfigured) as error:
        read_keyring(path.with_name("absent.json"))
    assert error.value.code == "keyring.missing"
    assert "TRIALBRIDGE_KEYRING" in error.value.message
    with pytest.raises(Misconfigured) as error:
        create_keyring(path / "below-a-file" / "keys.json", [])
    assert error.value.code == "keyring.unwritable"
