"""``ticket`` and ``dead-letters`` on a state: what is listed and shown, what is asked of the services, and how it ends."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import orjson
import pytest

from services.cli.places import settings_of
from tests.unit.services.cli.conftest import Invoke, bundle, lines, write
from trialbridge.contracts.documents import (
    AUDITS,
    COMMANDS,
    DEAD_LETTERS,
    TICKETS,
    AuditDoc,
    CommandDoc,
    DeadLetterDoc,
    TicketDoc,
)
from trialbridge.contracts.errors import Place
from trialbridge.runtime.paging import collect
from trialbridge.runtime.ports import Query
from trialbridge.runtime.serve import ServicePorts, open_ports
from trialbridge.runtime.stores import create_keyring

PHI: Final = b"Eva Example, born 1960-02-03"
BUNDLE: Final = "file:///state/objects/north/ehr/one.ndjson"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """Return a state folder with two tickets and three dead letters."""
    folder = tmp_path / "state"
    create_keyring(folder / "keys.json", ["north"])
    on(folder, _fill)
    return folder


def on(folder: Path, work: Callable[[ServicePorts], Awaitable[Any]]) -> Any:
    """Do some work on the stores of a state."""

    async def opened() -> Any:
        async with open_ports(settings_of(folder)) as ports:
            return await work(ports)

    return asyncio.run(opened())


async def _fill(ports: ServicePorts) -> None:
    letters = [_letter("dl_1", "fhir.not-fhir"), _letter("dl_2", "v2.no-identifier"), _letter("dl_3", "fhir.not-fhir")]
    letters[2] = msgspec.structs.replace(letters[2], status="replayed")
    await ports.documents.upsert(DEAD_LETTERS, letters)
    await ports.documents.upsert(
        TICKETS, [_ticket("tk_1", "redeemed"), _ticket("tk_2", "refused", "envelope.tag-mismatch")]
    )


def _letter(identity: str, code: str) -> DeadLetterDoc:
    return DeadLetterDoc(
        id=identity, version=1, network="default", stage="coatcheck", topic="emr_tickets", partition=0, offset=7,
        key="tk_1", code=code, message="It is not FHIR.", place=Place(bundle=BUNDLE, entry="19"), tenant="north",
        ticket="tk_1", first_seen="2026-06-01T08:00:00Z", payload=PHI, payload_type="fhir",
    )  # fmt: skip


def _ticket(identity: str, status: Any, code: str = "") -> TicketDoc:
    return TicketDoc(
        id=identity, version=1, tenant="north", source="north/ehr", object_uri=BUNDLE, object_version="1", sha256="0",
        size=1, status=status, issued="2026-06-01T08:00:00Z", updated=f"2026-06-01T08:00:0{identity[-1]}Z", code=code,
        patients=3, resources=12, set_aside=1,
    )  # fmt: skip


@pytest.fixture
def service(state: Path) -> Iterator[dict[str, CommandDoc]]:
    """Stand for the coat check: answer every request, and keep what was asked by its kind."""
    asked: dict[str, CommandDoc] = {}
    stop = threading.Event()

    async def answer(ports: ServicePorts) -> None:
        while not stop.is_set():
            for doc in await collect(ports.documents, COMMANDS, Query(where={"status": "requested"})):
                asked[doc.kind] = doc
                await ports.documents.upsert(COMMANDS, [_answered(doc)])
            await asyncio.sleep(0.02)

    thread = threading.Thread(target=on, args=(state, answer))
    thread.start()
    yield asked
    stop.set()
    thread.join()


def _answered(doc: CommandDoc) -> CommandDoc:
    body = orjson.loads(bytes(doc.body))
    if body.get("dead_letter") == "dl_2":
        return msgspec.structs.replace(
            doc, version=2, status="refused", code="replay.not-a-record", message="Have the whole sent again."
        )
    if doc.kind == "issue_ticket":
        return msgspec.structs.replace(
            doc, version=2, status="refused", code="ticket.malformed", message="It does not hold together."
        )
    return msgspec.structs.replace(doc, version=2, status="done")


def test_open_letters_are_listed_with_code_place_and_reason(cli: Invoke, state: Path) -> None:
    told = cli("dead-letters", "list", "--state", state).stdout
    assert [line.split()[0] for line in told.splitlines()] == ["id", "dl_1", "dl_2"]
    assert f"tk_1    {BUNDLE}, entry 19" in told
    assert "It is not FHIR." in told


def test_letters_as_json_by_code_and_with_closed_ones(cli: Invoke, state: Path) -> None:
    found = lines(cli("dead-letters", "list", "--state", state, "--code", "fhir.not-fhir", "--all", "--json").stdout)
    assert [(one["id"], one["status"]) for one in found] == [("dl_1", "open"), ("dl_3", "replayed")]
    assert found[0].keys() == {
        "id", "status", "stage", "topic", "code", "where", "message", "tenant", "ticket", "first_seen", "failures", "reason",
    }  # fmt: skip
    assert cli("dead-letters", "list", "--state", state, "--code", "x.y").stdout == "No such dead letters.\n"


def test_one_letter_is_shown_with_the_next_step_and_never_its_content(cli: Invoke, state: Path) -> None:
    told = cli("dead-letters", "show", "dl_1", "--state", state)
    assert told.exit_code == 0
    assert "trialbridge dead-letters replay dl_1" in told.stdout
    assert f"{len(PHI)} bytes of fhir" in told.stdout
    as_json = orjson.loads(cli("dead-letters", "show", "dl_1", "--state", state, "--json").stdout)
    assert as_json["position"] == "emr_tickets[0]@7"
    assert as_json["tenant"] == "north"
    assert "Eva" not in told.output + str(as_json)


def test_a_letter_says_who_asked_for_its_replay(
    cli: Invoke, state: Path, monkeypatch: pytest.MonkeyPatch, service: dict[str, CommandDoc]
) -> None:
    monkeypatch.setenv("LOGNAME", "ada")
    cli("dead-letters", "replay", "dl_1", "--state", state)
    assert service["replay"].actor == "cli:ada"
    shown = cli("dead-letters", "show", "dl_1", "--state", state).stdout.splitlines()
    [asked] = [line for line in shown if line.startswith("asked")]
    assert asked.endswith(" cli:ada cli:dead_letter:replay")


def test_a_letter_that_is_not_there(cli: Invoke, state: Path) -> None:
    result = cli("dead-letters", "show", "dl_9", "--state", state)
    assert result.exit_code == 1
    assert "dead-letters.unknown" in result.stderr
    assert "trialbridge dead-letters list" in result.stderr


def test_replay_asks_the_services_and_says_what_they_said(
    cli: Invoke, state: Path, service: dict[str, CommandDoc]
) -> None:
    good = cli("dead-letters", "replay", "dl_1", "--state", state)
    assert good.exit_code == 0
    assert good.stdout == "dl_1: sent through again\n"
    assert service["replay"].to == "coatcheck"
    mixed = cli("dead-letters", "replay", "dl_1", "dl_2", "--state", state, "--json")
    assert mixed.exit_code == 1
    assert [(one["id"], one["status"], one["code"]) for one in lines(mixed.stdout)] == [
        ("dl_1", "done", ""),
        ("dl_2", "refused", "replay.not-a-record"),
    ]
    by_code = cli("dead-letters", "replay", "--code", "fhir.not-fhir", "--state", state, "--json")
    assert [one["id"] for one in lines(by_code.stdout)] == ["dl_1"]


def test_what_is_asked_for_is_in_the_audit_trail_with_the_system_user(
    cli: Invoke, state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "ada")
    cli("dead-letters", "replay", "dl_1", "--state", state, "--wait", "0")
    told = cli(
        "ticket", "issue", write(tmp_path / "p.json", bundle("eva")), "--tenant", "north", "--source", "n/e",
        "--state", state, "--wait", "0", "--json",
    )  # fmt: skip

    async def look(ports: ServicePorts) -> tuple[list[AuditDoc], dict[str, CommandDoc]]:
        audits = await collect(ports.documents, AUDITS, Query(sort="at"))
        return audits, {one.id: one for one in await collect(ports.documents, COMMANDS, Query())}

    audits, commands = on(state, look)
    assert [(one.actor, one.tenant, one.action, one.subject) for one in audits] == [
        ("cli:ada", "operator", "cli:dead_letter:replay", "dl_1"),
        ("cli:ada", "operator", "cli:ticket:issue", orjson.loads(told.stdout)["ticket"]),
    ]
    assert [commands[one.event.request].kind for one in audits] == ["replay", "issue_ticket"]
    assert {one.actor for one in commands.values()} == {"cli:ada"}


def test_letters_are_discarded_with_a_reason(
    cli: Invoke, state: Path, monkeypatch: pytest.MonkeyPatch, service: dict[str, CommandDoc]
) -> None:
    monkeypatch.setenv("LOGNAME", "ada")
    assert cli("dead-letters", "discard", "dl_1", "--state", state).exit_code == 2
    assert cli("dead-letters", "discard", "dl_1", "--reason", " ", "--state", state).exit_code == 2
    done = cli("dead-letters", "discard", "dl_1", "--reason", "Came corrected.", "--state", state)
    assert (done.exit_code, done.stdout) == (0, "dl_1: discarded\n")
    assert orjson.loads(bytes(service["discard"].body)) == {"dead_letter": "dl_1", "reason": "Came corrected."}
    [event] = on(state, lambda ports: collect(ports.documents, AUDITS, Query()))
    assert (event.actor, event.action, event.subject, event.event.reason) == (
        "cli:ada", "cli:dead_letter:discard", "dl_1", "Came corrected.",
    )  # fmt: skip
    waits = cli("dead-letters", "discard", "dl_2", "--reason", "x", "--state", state)
    assert waits.exit_code == 1  # the coat check of this test refuses all that it is asked of this one


def test_replay_without_services_ends_with_69_and_nothing_without_a_choice(cli: Invoke, state: Path) -> None:
    result = cli("dead-letters", "replay", "dl_1", "--state", state, "--wait", "0")
    assert result.exit_code == 69
    assert "dl_1: replay.open: " in result.stderr
    assert cli("dead-letters", "replay", "--state", state).exit_code == 2
    assert cli("dead-letters", "replay", "--code", "x.y", "--state", state).stdout == "Nothing to replay.\n"


def test_tickets_are_listed_with_what_became_of_them(cli: Invoke, state: Path) -> None:
    told = cli("ticket", "list", "--state", state).stdout.splitlines()
    assert [line.split()[:2] for line in told[1:]] == [["tk_1", "redeemed"], ["tk_2", "refused"]]
    assert "north/ehr: one.ndjson" in told[1]
    found = lines(cli("ticket", "list", "--status", "refused", "--state", state, "--json").stdout)
    assert [(one["ticket"], one["code"], one["patients"]) for one in found] == [("tk_2", "envelope.tag-mismatch", 3)]


@pytest.mark.parametrize("words", [("ticket", "issue"), ("ticket",)])
def test_a_ticket_is_issued_for_the_encrypted_file(
    cli: Invoke, state: Path, tmp_path: Path, words: tuple[str, ...]
) -> None:
    file = write(tmp_path / "p.json", bundle("eva"))
    result = cli(*words, file, "--tenant", "north", "--source", "north/ehr", "--wait", "0", "--state", state, "--json")
    assert result.exit_code == 69
    assert orjson.loads(result.stdout)["status"] == "requested"

    async def look(ports: ServicePorts) -> list[CommandDoc]:
        return await collect(ports.documents, COMMANDS, Query())

    (asked,) = on(state, look)
    body = orjson.loads(bytes(asked.body))
    assert (asked.kind, body["tenant"], body["source"], body["network"]) == (
        "issue_ticket",
        "north",
        "north/ehr",
        "default",
    )
    assert body["media_type"] == "application/fhir+json"
    stored = [path.read_bytes() for path in (state / "objects").rglob("body")]
    assert len(stored) == 1
    assert b"resourceType" not in stored[0]


def test_a_ticket_that_nobody_takes_up_or_that_is_refused(
    cli: Invoke, state: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    arguments = (
        "ticket",
        "issue",
        write(tmp_path / "p.json", bundle("eva")),
        "--tenant",
        "north",
        "--source",
        "n/e",
        "--state",
        state,
    )
    alone = cli(*arguments, "--wait", "0")
    assert alone.exit_code == 69
    assert "Do the services run?" in alone.stderr
    request.getfixturevalue("service")
    started = time.monotonic()
    refused = cli(*arguments, "--wait", "240")
    assert refused.exit_code == 1
    assert "ticket.malformed: It does not hold together." in refused.stderr
    assert time.monotonic() - started < 240


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (("--network", "nowhere"), "ticket.unknown-network"),
        (("--media-type", "image/png"), "ticket.unknown-type"),
        (("--source", ""), "ticket.incomplete"),
        (("--tenant", "hill"), "key.unknown"),
    ],
)
def test_what_would_be_refused_is_not_stored(
    cli: Invoke, state: Path, tmp_path: Path, change: tuple[str, str], code: str
) -> None:
    file = write(tmp_path / "p.json", bundle("eva"))
    usual = ("--tenant", "north", "--source", "n/e", "--wait", "0", "--state", state)
    refused = cli("ticket", "issue", file, *usual, *change)
    assert refused.exit_code == 1
    assert code in refused.stderr
    assert not [path for path in (state / "objects").rglob("*") if path.is_file()]
    assert on(state, lambda ports: collect(ports.documents, COMMANDS, Query())) == []


def test_wrong_ways_to_issue_a_ticket(cli: Invoke, state: Path, tmp_path: Path) -> None:
    who = ("--tenant", "north", "--source", "n/e", "--state", state, "--wait", "0")
    missing = cli("ticket", "issue", tmp_path / "missing.json", *who)
    assert missing.exit_code == 1
    assert "file.missing" in missing.stderr
    (tmp_path / "records").write_bytes(b"?")
    unknown = cli("ticket", "issue", tmp_path / "records", *who)
    assert unknown.exit_code == 2
    assert "--media-type" in unknown.stderr
    stranger = cli("ticket", "issue", write(tmp_path / "p.json", bundle("eva")), "--tenant", "hill", *who[2:])
    assert stranger.exit_code == 1
    assert "key.unknown" in stranger.stderr
    assert "trialbridge keys add hill" in stranger.stderr
