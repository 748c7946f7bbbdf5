"""Hundreds of bad inputs through one running house, good records among them: each ends where it should, and nothing else changes."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, get_args

import msgspec
import pytest

from services.cli.house import House, open_house
from tests.security.housing import EXTRA, everything, porter, settings, settled, stopped, until
from trialbridge.contracts import documents as d
from trialbridge.contracts.documents import Collection
from trialbridge.contracts.errors import Place
from trialbridge.contracts.ids import TicketId, record_id
from trialbridge.testkit.badinputs import bad_inputs, good
from trialbridge.testkit.badinputs.handing import Handed, Porter
from trialbridge.testkit.badinputs.model import Asked, BadInput, Bundle, Group
from trialbridge.testkit.places import COUNTY, NORTH
from trialbridge.testkit.trials import demo_trials

SEED = 20261121
GOOD_EVERY = 5
LEAST = 300
SOON = 3.0
"""Seconds until the tickets expire whose object never comes."""


@dataclass
class Way:
    """One run: what was handed in, and what all of it came to."""

    bad: list[tuple[BadInput, Handed]] = field(default_factory=list)
    good: list[tuple[Bundle, str, Handed]] = field(default_factory=list)
    trials: list[Handed] = field(default_factory=list)
    found: dict[str, list[Any]] = field(default_factory=dict)
    stopped: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)

    def docs(self, collection: Collection[Any]) -> list[Any]:
        return self.found[collection.name]

    def by_id(self, collection: Collection[Any]) -> dict[str, Any]:
        return {doc.id: doc for doc in self.docs(collection)}


def good_bundle(number: int) -> tuple[Bundle, str]:
    """Return a good bundle of one patient, FHIR and HL7 v2 in turn."""
    local = f"good-{number}"
    if number % 3:
        return Bundle(plain=good.lines(local), tenant=NORTH.tenant, source=NORTH.id), local
    plain = good.v2(good.segments(local))
    return Bundle(plain=plain, media_type=good.HL7V2, tenant=COUNTY.tenant, source=COUNTY.id), local


def trial(number: int) -> Asked:
    name, text = demo_trials()[number]
    return Asked("trialfeed", "register_trial", msgspec.json.encode({"text": text, "name": name}))


async def hand_in_all(house: House, way: Way) -> None:
    door, rng = porter(house), Random(SEED)
    soon = (datetime.now(UTC) + timedelta(seconds=SOON)).isoformat()
    mixed = bad_inputs(SEED, soon)
    rng.shuffle(mixed)
    way.trials.append(await door.hand_in(trial(0), "trial-0"))
    for number, one in enumerate(mixed):
        way.bad.append((one, await door.hand_in(one.given, f"bad-{number:04d}")))
        if number % GOOD_EVERY == 0:
            bundle, local = good_bundle(number)
            way.good.append((bundle, local, await door.hand_in(bundle, f"good-{number:04d}")))
    way.trials.append(await door.hand_in(trial(1), "trial-1"))
    await until(house, lambda: waits(house, [one.ticket for _, one in way.bad if one.later]))
    for _, handed in way.bad:
        await door.bring(handed)


async def waits(house: House, tickets: Sequence[str]) -> bool:
    found = await house.ports.documents.get_many(d.TICKETS, tickets)
    return len(found) == len(tickets) and all(doc.status == "waiting" for doc in found.values())


def named(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


async def run(folder: Path) -> Way:
    way = Way()
    before = named(folder)
    async with open_house(settings(folder / "state"), extra=EXTRA) as house:
        await hand_in_all(house, way)
        await settled(house, sum(map(is_orphan, way.bad)))
        for collection in d.ALL:
            way.found[collection.name] = await everything(house, collection)
        way.stopped = stopped(house)
    way.outside = sorted(named(folder) - before - {"state"})
    return way


def is_orphan(one: tuple[BadInput, Handed]) -> bool:
    """Return whether the object that was stored has no ticket."""
    bad, handed = one
    return bad.shown == "orphaned" or bool(handed.own and handed.own != handed.ticket)


@pytest.fixture(scope="module")
def way(tmp_path_factory: pytest.TempPathFactory) -> Way:
    """Return the one run that all these tests look at."""
    return asyncio.run(run(tmp_path_factory.mktemp("house")))


def located(uri: str, place: Place) -> Place:
    """Return a place with the bundle that it is in."""
    return msgspec.structs.replace(place, bundle=uri)


Ending = tuple[str, str, str]
"""Status, code and place."""
STATUS = {"set aside": "redeemed", "kept": "redeemed", "redeemed": "redeemed"}


def ending(bad: BadInput, handed: Handed) -> Ending:
    """Return how the ticket must end."""
    if bad.shown in STATUS:
        return (STATUS[bad.shown], "", str(Place()))
    fault = bad.faults[0]
    return (bad.shown, fault.code, str(located(handed.uri, fault.place)))


def tickets_expected(way: Way) -> dict[str, Ending]:
    good_ones = {handed.ticket: ("redeemed", "", str(Place())) for _, _, handed in way.good}
    bad_ones = {
        handed.ticket: ending(bad, handed)
        for bad, handed in way.bad
        if isinstance(bad.given, Bundle) and bad.shown not in {"answered", "letter only"}
    }
    orphans = {
        one.own: ("orphaned", "ticket.orphaned", str(Place(bundle=one.uri)))
        for bad, one in way.bad
        if is_orphan((bad, one))
    }
    return {**good_ones, **bad_ones, **orphans}


def letters_expected(way: Way) -> Counter[tuple[str, str, str]]:
    """Return what must lie among the dead letters: ticket, code and place of each."""
    return Counter(
        (handed.ticket, fault.code, str(located(handed.uri, fault.place) if handed.uri else fault.place))
        for bad, handed in way.bad
        if bad.shown in {"refused", "set aside", "kept", "expired", "letter only"}
        for fault in bad.faults
    )


def answers_expected(way: Way) -> dict[str, tuple[str, str]]:
    asked = [(handed, "") for _, _, handed in way.good] + [(handed, "") for handed in way.trials]
    asked += [(handed, bad.faults[0].code if bad.shown == "answered" else "") for bad, handed in way.bad]
    return {one: ("refused", code) if code else ("done", "") for handed, code in asked for one in handed.commands}


def names(way: Way) -> dict[str, str]:
    """Return the name of the input that each ticket and command belongs to."""
    return {
        key: f"{bad.group}: {bad.name}"
        for bad, handed in way.bad
        for key in (handed.ticket, handed.own, *handed.commands)
    }


def differences(expected: dict[str, Any], found: dict[str, Any], way: Way) -> str:
    """Return a line for each key on which the two disagree."""
    known = names(way)
    return "\n".join(
        f"{known.get(key, 'a good one')}: expected {expected.get(key)}, found {found.get(key)}"
        for key in sorted({*expected, *found})
        if expected.get(key) != found.get(key)
    )


def test_there_are_enough_of_every_class(way: Way) -> None:
    assert len(way.bad) >= LEAST
    assert len({(bad.group, bad.name) for bad, _ in way.bad}) == len(way.bad)
    assert {bad.group for bad, _ in way.bad} == set(get_args(Group))
    assert min(Counter(bad.group for bad, _ in way.bad).values()) >= 3
    assert len(way.good) > len(way.bad) // (GOOD_EVERY + 1)


def test_nothing_crashed(way: Way) -> None:
    assert way.stopped == []
    assert not [doc for doc in way.docs(d.DEAD_LETTERS) if doc.code.startswith("stage.")]


def test_every_ticket_ends_with_its_code_and_place(way: Way) -> None:
    found = {doc.id: (doc.status, doc.code, str(doc.place)) for doc in way.docs(d.TICKETS)}
    assert differences(tickets_expected(way), found, way) == ""


def test_every_dead_letter_is_expected_and_none_is_missing(way: Way) -> None:
    found = Counter((doc.key, doc.code, str(doc.place)) for doc in way.docs(d.DEAD_LETTERS))
    expected, known = letters_expected(way), names(way)
    assert [(known.get(key[0]), *key) for key in (expected - found).elements()] == []
    assert [(known.get(key[0]), *key) for key in (found - expected).elements()] == []


def test_every_request_is_answered_with_its_code(way: Way) -> None:
    found = {doc.id: (doc.status, doc.code) for doc in way.docs(d.COMMANDS)}
    assert differences(answers_expected(way), found, way) == ""


def test_a_refused_trial_says_where_why_and_the_nearest_spelling(way: Way) -> None:
    answers = way.by_id(d.COMMANDS)
    wrong = []
    for bad, handed in way.bad:
        if bad.group not in {"malformed trial", "unknown trial key"}:
            continue
        answer = answers[handed.commands[0]]
        said = msgspec.json.decode(answer.result)["diagnostics"]
        where = [(one["code"], one["path"]) for one in said if one["severity"] == "error"]
        hints = " ".join(one.get("hint", "") for one in said)
        fault = bad.faults[0]
        if (fault.code, fault.place.field) not in where or bad.hint not in hints or not answer.message:
            wrong.append((bad.name, where, hints))
    assert wrong == []


def test_trials_that_were_active_are_untouched(way: Way) -> None:
    registered = {msgspec.json.decode(way.by_id(d.COMMANDS)[one.commands[0]].result)["trial"] for one in way.trials}
    assert {(doc.id, doc.version, doc.status) for doc in way.docs(d.TRIALS)} == {(one, 1, "open") for one in registered}
    assert way.docs(d.REGULATORY) == []


def good_records(way: Way) -> set[str]:
    """Return the ids of the records that must have come through: those of good bundles, and of good patients in bad ones."""
    rows = [(bundle, local, handed) for bundle, local, handed in way.good]
    rows += [(bad.given, one, handed) for bad, handed in way.bad if isinstance(bad.given, Bundle) for one in bad.good]
    return {
        record_id(TicketId(handed.ticket), Porter.key_of(bundle, local), 0) for bundle, local, handed in rows
    }  # fmt: skip


def test_every_good_patient_came_through_to_a_view_of_its_own(way: Way) -> None:
    wanted = good_records(way)
    views = way.docs(d.PATIENTS)
    assert {doc.id for doc in way.docs(d.RECORDS)} == wanted
    assert sorted(record for view in views for record in view.records) == sorted(wanted)
    assert all(b"diagnosis" in bytes(view.facts) for view in views)
    assert not [view.id for view in views if view.removed]


def test_bad_records_are_counted_by_their_ticket(way: Way) -> None:
    tickets = way.by_id(d.TICKETS)
    counted = {
        f"{bad.group}: {bad.name}": (tickets[handed.ticket].set_aside, tickets[handed.ticket].patients)
        for bad, handed in way.bad
        if bad.shown == "set aside"
    }
    expected = {
        f"{bad.group}: {bad.name}": (len(bad.faults), len(bad.good)) for bad, _ in way.bad if bad.shown == "set aside"
    }
    assert counted == expected


def test_hostile_names_wrote_nothing(way: Way) -> None:
    assert way.outside == []
    assert not [
        path for path in (Path("/var/trialbridge-slip.ndjson"), Path("trialbridge-slip.ndjson")) if path.exists()
    ]
