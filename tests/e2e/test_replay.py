"""What was refused for a mendable cause comes through once it is mended, with no effect twice: by the commands that operators use."""

import asyncio
import contextlib
import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
import pytest

from services.cli.asking import answer_to, command, send
from services.cli.delivery import Parcel, issue, put_parcel
from services.cli.demo.settled import left_to_do
from services.matchbook.canonical import run_hash
from tests.e2e.running import AS_OF, PATIENCE, clean_environment, trialbridge, wait_until
from trialbridge.contracts import documents as d
from trialbridge.contracts.ids import ticket_id
from trialbridge.ledger.actions import Action
from trialbridge.runtime.keys.ring import Ring
from trialbridge.runtime.ports import Query
from trialbridge.runtime.serve import ServicePorts, open_ports
from trialbridge.runtime.settings import BaseServiceSettings, read_settings
from trialbridge.runtime.stores import create_keyring
from trialbridge.testkit.badinputs import good
from trialbridge.testkit.places import HARBOR, NETWORK, NORTH, TENANTS
from trialbridge.testkit.pseudonyms import PSEUDONYM_KEY

SERVICES: Final = ("coatcheck", "patientview", "trialfeed", "matcher", "matchbook", "notifier")
PATIENTS: Final = ("--patients", "30")
EFFECTS: Final = frozenset({"records", "patients", "matches", "match_events", "notifications"})
SOON: Final = timedelta(seconds=2)
T = TypeVar("T")


@dataclass
class Installation:
    """The services as a process of their own, on embedded stores, with a key ring for them and one for the senders."""

    folder: Path
    process: "subprocess.Popen[bytes] | None" = None
    own_ring: Path = field(init=False)
    sender_ring: Path = field(init=False)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        self.own_ring, self.sender_ring = self.folder / "keys.json", self.folder / "senders.json"
        create_keyring(self.sender_ring, [NETWORK, *(tenant.id for tenant in TENANTS)], PSEUDONYM_KEY)
        shutil.copy2(self.sender_ring, self.own_ring)

    def settings(self, ring: Path) -> dict[str, str]:
        return {
            "broker": f"trialbridge-embedded://{self.folder / 'log.db'}",
            "documents": f"sqlite://{self.folder / 'documents.db'}",
            "objects": f"file://{self.folder / 'objects'}",
            "keyring": str(ring),
            "commit_interval": "0.2",
        }

    def environment(self, ring: Path) -> dict[str, str]:
        quick = {"poll_interval": "0.1", "retry_first": "0.2", "retry_longest": "0.5", "as_of": AS_OF}
        return {f"TRIALBRIDGE_{name.upper()}": value for name, value in (self.settings(ring) | quick).items()}

    def start(self) -> None:
        log = (self.folder / "services.log").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "services.cli", "run", *SERVICES],
            stdout=log, stderr=log, env=clean_environment(self.environment(self.own_ring)), start_new_session=True,
        )  # fmt: skip
        log.close()
        wait_until((self.folder / "log.db").exists)

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            assert self.process.wait(PATIENCE) == 0, (self.folder / "services.log").read_text()

    def tell(self, *arguments: str | Path) -> list[dict[str, Any]]:
        """Run a command as a sender or operator, and return the JSON objects that it wrote."""
        done = trialbridge(*arguments, "--json", environment=self.environment(self.sender_ring))
        assert done.returncode in {0, 69}, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]

    def look(self, use: Callable[[ServicePorts, BaseServiceSettings], Awaitable[T]]) -> T:
        """Return what ``use`` makes of the stores."""

        async def opened() -> T:
            base = read_settings(BaseServiceSettings, **self.settings(self.sender_ring))
            async with open_ports(base) as ports:
                return await use(ports, base)

        return asyncio.run(opened())

    def letters(self, *more: str) -> list[dict[str, Any]]:
        return self.tell("dead-letters", "list", *more)

    def tickets(self) -> dict[str, d.TicketDoc]:
        async def found(ports: ServicePorts, _: BaseServiceSettings) -> list[d.TicketDoc]:
            return (await ports.documents.find(d.TICKETS, Query(limit=500)))[0]

        return {doc.id: doc for doc in self.look(found)}

    def open_letters(self) -> list[d.DeadLetterDoc]:
        """Return the open dead letters, without the time that a command takes to start."""

        async def found(ports: ServicePorts, _: BaseServiceSettings) -> list[d.DeadLetterDoc]:
            return (await ports.documents.find(d.DEAD_LETTERS, Query(where={"status": "open"}, limit=500)))[0]

        return self.look(found)

    def open_codes(self) -> list[str]:
        return [one.code for one in self.open_letters()]

    def settle(self) -> None:
        """Return once everything that was asked for has gone all the way."""
        calm = 0
        while calm < 3:
            left = self.look(lambda ports, base: left_to_do(ports.documents, base))
            waits = any(doc.status in {"issued", "waiting"} for doc in self.tickets().values())
            calm = 0 if left or waits else calm + 1
            assert self.process is not None
            assert self.process.poll() is None, (self.folder / "services.log").read_text()

    def effects(self) -> dict[str, Any]:
        """Return all that must be the same however often something is replayed."""

        async def counted(ports: ServicePorts, _: BaseServiceSettings) -> dict[str, Any]:
            counts = {one.name: (await ports.documents.count(one, {}))[""] for one in d.ALL if one.name in EFFECTS}
            views = (await ports.documents.find(d.PATIENTS, Query(limit=500)))[0]
            versions = {doc.id: (doc.version, doc.digest) for doc in views}
            return {**counts, "hash": (await run_hash(ports.documents))[0], "views": versions}

        return self.look(counted)

    def replay(self, **body: str) -> str:
        """Have a ``ticket`` or a ``dead_letter`` sent through again, as the operator page does; return how it was answered."""

        async def ask(ports: ServicePorts, _: BaseServiceSettings) -> d.CommandDoc:
            request = command(ports, "coatcheck", "replay", body)
            await send(ports, request, Action.CLI_DEAD_LETTER_REPLAYED, *body.values())
            return await answer_to(ports, request, 30)

        return self.look(ask).status


@contextlib.contextmanager
def installed(folder: Path, *, running: bool = True) -> Iterator[Installation]:
    made = Installation(folder)
    if running:
        made.start()
    try:
        yield made
    finally:
        made.stop()


def without(ring: Path, scope: str) -> None:
    """Take a scope's keys out of a ring."""
    known = msgspec.json.decode(ring.read_bytes(), type=Ring)
    left = {name: keys for name, keys in known.scopes.items() if name != scope}
    replace_file(ring, msgspec.json.encode(msgspec.structs.replace(known, scopes=left)))


def replace_file(path: Path, body: bytes) -> None:
    fresh = path.with_suffix(".fresh")
    fresh.write_bytes(body)
    fresh.chmod(0o600)
    fresh.rename(path)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return the result of a run in which every key was there from the start."""
    with installed(tmp_path_factory.mktemp("undisturbed") / "state") as house:
        return house.tell("demo", "--attach", "--once", *PATIENTS, "--state", house.folder / "demo")[-1]


def test_tickets_refused_for_a_missing_key_come_through_once_it_is_there(
    tmp_path: Path, undisturbed: dict[str, Any]
) -> None:
    with installed(tmp_path / "state", running=False) as house:
        without(house.own_ring, HARBOR.tenant)
        house.start()
        result = house.tell("demo", "--attach", "--once", *PATIENTS, "--state", house.folder / "demo")[-1]
        missing = result["dead_letters"]["key.unknown"]
        assert missing > 0
        assert result["hash"] != undisturbed["hash"]
        letters = house.letters("--code", "key.unknown")
        assert len(letters) == missing
        refused = {doc.id: doc for doc in house.tickets().values() if doc.code == "key.unknown"}
        assert {doc.status for doc in refused.values()} == {"refused"}
        assert {one["where"] for one in letters} == {str(doc.place) for doc in refused.values()}

        replace_file(house.own_ring, house.sender_ring.read_bytes())
        replayed = house.tell("dead-letters", "replay", "--code", "key.unknown")
        assert [one["status"] for one in replayed] == ["done"] * missing
        house.settle()
        assert {house.tickets()[identity].status for identity in refused} == {"redeemed"}
        assert "key.unknown" not in house.open_codes()
        through = house.effects()
        assert through["hash"] == undisturbed["hash"]

        again = house.tell("dead-letters", "replay", *(one["id"] for one in letters))
        assert [one["status"] for one in again] == ["done"] * missing
        for identity in refused:
            assert house.replay(ticket=identity) == "done"
        house.settle()
        assert {house.tickets()[identity].issue for identity in refused} == {3}
        assert house.effects() == through


def test_a_damaged_object_comes_through_once_it_is_restored(tmp_path: Path) -> None:
    file = tmp_path / "one.ndjson"
    file.write_bytes(good.lines("damaged-at-rest"))
    with installed(tmp_path / "state", running=False) as house:
        sent = ("ticket", file, "--tenant", NORTH.tenant, "--source", NORTH.id, "--network", NETWORK, "--wait", "0")
        (asked,) = house.tell(*sent)
        (stored,) = (house.folder / "objects").rglob("body")
        whole = stored.read_bytes()
        stored.write_bytes(whole[:40] + bytes([whole[40] ^ 1]) + whole[41:])
        house.start()
        wait_until(lambda: house.open_codes() == ["object.sha256-mismatch"])
        (letter,) = house.open_letters()
        assert letter.place.field == "sha256"
        assert house.tickets()[asked["ticket"]].status == "refused"
        assert stored.read_bytes() != whole

        assert house.replay(dead_letter=letter.id) == "done"
        house.settle()
        (still,) = house.open_letters()
        assert still.code == letter.code
        assert house.effects()["patients"] == 0

        stored.write_bytes(whole)
        assert house.replay(dead_letter=still.id) == "done"
        house.settle()
        assert house.tickets()[asked["ticket"]].status == "redeemed"
        assert house.open_codes() == []
        through = house.effects()
        assert (through["records"], through["patients"]) == (1, 1)
        assert house.replay(dead_letter=still.id) == "done"
        assert house.replay(ticket=asked["ticket"]) == "done"
        house.settle()
        assert house.effects() == through


def test_an_object_that_came_too_late_comes_through_when_its_ticket_is_replayed(tmp_path: Path) -> None:
    plain = good.lines("too-late")

    async def send(ports: ServicePorts, _: BaseServiceSettings) -> str:
        """Store the object, take it away again, and ask for a ticket that ends soon."""
        parcel = Parcel(
            NETWORK, NORTH.tenant, NORTH.id, "late", "application/fhir+ndjson", plain, "2026-06-01T06:00:00Z"
        )
        info, sha256 = await put_parcel(ports, parcel)
        (house.folder / "objects" / "late.object").rename(house.folder / "late.object")
        request = issue(ports, parcel, info, sha256)
        body = msgspec.json.decode(request.body) | {"expires": (ports.now() + SOON).isoformat()}
        asked = msgspec.structs.replace(request, body=msgspec.Raw(msgspec.json.encode(body)))
        await ports.documents.upsert(d.COMMANDS, [asked])
        return ticket_id(NORTH.tenant, info.uri, info.version)

    with installed(tmp_path / "state") as house:
        ticket = house.look(send)
        wait_until(lambda: house.open_codes() == ["ticket.expired"])
        (letter,) = house.open_letters()
        assert house.tickets()[ticket].status == "expired"

        (house.folder / "late.object").rename(house.folder / "objects" / "late.object")
        (replayed,) = house.tell("dead-letters", "replay", letter.id)
        assert replayed["status"] == "done"
        house.settle()
        assert house.tickets()[ticket].status == "redeemed"
        through = house.effects()
        assert (through["records"], through["patients"]) == (1, 1)
        assert house.replay(ticket=ticket) == "done"
        house.settle()
        assert house.effects() == through
        assert [one["status"] for one in house.letters("--all")] == ["replayed"]
