"""One run of the whole house with planted identifiers in everything that is handed in, and all that could show them, captured."""

import contextlib
import io
import logging
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
import msgspec
from fastapi import FastAPI
from fastapi.routing import APIRoute

from services.cli.demo.sign_ins import SIGN_INS
from services.cli.house import House, open_house
from services.coatcheck import routes as coatcheck
from services.coatcheck.senders import Sender, Senders
from services.portal.bootstrap import build as build_portal
from services.portal.settings import PortalSettings
from tests.security import leaks as look
from tests.security.housing import EXTRA, everything, porter, settings, settled
from tests.security.leaks import leaks
from trialbridge.contracts import documents as d
from trialbridge.contracts import topics
from trialbridge.runtime.health import health_app
from trialbridge.runtime.ports import Query
from trialbridge.runtime.settings import read_settings
from trialbridge.runtime.stage import wire
from trialbridge.runtime.telemetry import logs
from trialbridge.testkit.badinputs import planted
from trialbridge.testkit.badinputs.model import Asked
from trialbridge.testkit.canaries import TEXTS
from trialbridge.testkit.places import NETWORK, NORTH

KEY: Final = "a-key-of-the-north-clinic-0001"
ADULTS: Final = "id: TB-ADULTS\ntitle: All adults\ncriteria: {age: {min: 18}}\n"
ENDING: Final = re.compile(r"sign-(in|out)|session")
"""Addresses that would end the session."""


@dataclass
class Seen:
    """What one run showed and left behind."""

    state: Path
    log: str = ""
    printed: bytes = b""
    metrics: bytes = b""
    answers: list[tuple[str, bytes]] = field(default_factory=list)
    """Where, status and body of each answer that is no success."""
    statuses: set[int] = field(default_factory=set)
    records_only: list[str] = field(default_factory=list)
    """Leaks in the stores before any trial with an identifier was sent in."""
    found: dict[str, list[Any]] = field(default_factory=dict)


@contextlib.contextmanager
def captured(seen: Seen, into: Path) -> Iterator[None]:
    """Keep what is logged at level debug, by the libraries too, and all that is written to standard output and error."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    stream = io.StringIO()
    sys.stdout.flush()
    saved = [(number, os.dup(number)) for number in (1, 2)]
    target = os.open(into, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for number, _ in saved:
        os.dup2(target, number)
    logs.configure("debug", stream)
    root.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        for number, copy in saved:
            os.dup2(copy, number)
            os.close(copy)
        os.close(target)
        root.handlers[:] = before
        root.setLevel(level)
        seen.log, seen.printed = stream.getvalue(), into.read_bytes()


async def send_records(house: House) -> None:
    door = porter(house)
    await door.hand_in(Asked("trialfeed", "register_trial", msgspec.json.encode({"text": ADULTS})), "adults")
    for number, (_, bundle) in enumerate((*planted.good_ones(), *planted.bad_ones())):
        await door.hand_in(bundle, f"planted-{number:04d}")
    for number, text in enumerate(TEXTS):
        body = msgspec.json.encode({"dead_letter": text})
        await door.hand_in(Asked("coatcheck", "replay", body), f"replay-{number}")
        body = msgspec.json.encode({text: text, "ticket": {text: text}})
        await door.hand_in(Asked("coatcheck", "issue_ticket", body), f"ticket-{number}")
    await send_broken_records(house)
    await settled(house)


async def send_broken_records(house: House) -> None:
    """Put sealed records into a topic that their stage cannot read: identifiers where numbers, lists and names of fields should be."""
    links, topic = house.stages[0].links, topics.EMR_RECORDS
    for number, text in enumerate(TEXTS):
        fields = (
            "record",
            "network",
            "tenant",
            "source",
            "local_patient",
            "key",
            "ticket",
            "bundle_sha256",
            "received",
        )
        whole = {**dict.fromkeys(fields, text), "tables": text, "resources": {text: text}}
        rows = [{"id": f"evt_{number}", "key": f"k{number}", "network": NETWORK, "trace": "", "data": {text: [text], "record": {text: 1}}},
                {"id": f"evt_{number}b", "key": f"k{number}", "network": NETWORK, "trace": "", "data": whole}]  # fmt: skip
        content = wire.compress(msgspec.json.encode(rows))
        value = wire.SEALED + await links.seal.seal(NETWORK, f"topic:{topic.name}", content)
        await (await links.sender.send(topic.name, number % links.partitions, b"k", value, {}))


async def send_trials(house: House) -> None:
    door = porter(house)
    for number, text in enumerate(planted.texts_of_trials()):
        body = msgspec.json.encode({"text": text, "name": f"{TEXTS[number % len(TEXTS)]}.yaml"})
        await door.hand_in(Asked("trialfeed", "register_trial", body), f"trial-{number}")
    await settled(house)


def bodies(text: str) -> list[tuple[dict[str, str], bytes]]:
    """Return requests' headers and bodies that hold an identifier in every odd place."""
    json = {"content-type": "application/json"}
    form = {"content-type": "application/x-www-form-urlencoded"}
    quoted = text.encode()
    return [
        (json, msgspec.json.encode({text: text})), (json, msgspec.json.encode({f"${text}": {"a": text}})),
        (json, msgspec.json.encode({"source": {text: 1}, "size": text, "sha256": text, "created": text})),
        (json, b'{"source":"' + quoted), (json, b"\xc3(" + quoted), (json, b'{"a":' + b"[" * 50_000 + quoted),
        (json, msgspec.json.encode([text])), (form, b"name=" + quoted + b"&tenant=" + quoted + b"&role=" + quoted + b"&number=" + quoted),
        ({"content-type": text.encode("ascii", "ignore").decode()}, quoted), ({"content-type": "multipart/form-data; boundary=x"}, quoted),
    ]  # fmt: skip


async def ask(client: httpx.AsyncClient, seen: Seen, method: str, url: str, **more: Any) -> None:
    """Send one request, and keep its answer where it is no success."""
    answer = await client.request(method, url, **more)
    seen.statuses.add(answer.status_code)
    if answer.status_code >= 400:
        shown = answer.content + b"\n".join(b"%b: %b" % pair for pair in answer.headers.raw)
        seen.answers.append((f"{method} {answer.request.url.path[:20]} {answer.status_code}", shown))


def routes_of(routes: Iterable[Any]) -> Iterator[APIRoute]:
    """Yield every route of an app, those of the routers that it includes too."""
    for route in routes:
        if isinstance(route, APIRoute):
            yield route
        elif hasattr(route, "original_router"):
            yield from routes_of(route.original_router.routes)


async def ask_everywhere(app: FastAPI, client: httpx.AsyncClient, seen: Seen, texts: tuple[str, ...]) -> None:
    """Send identifiers to every route in path, query, headers and body, and to an address that there is not."""
    for route in (*routes_of(app.routes), None):
        if route and client.cookies and ENDING.search(route.path):
            continue
        for number, text in enumerate(texts):
            path = re.sub(r"{[^}]+}", httpx.URL(f"http://x/{text}").path[1:], route.path) if route else f"/{text}"
            for method in sorted(route.methods or ()) if route else ("GET", "POST"):
                chosen = bodies(text) if method not in {"GET", "HEAD"} else [({}, b"")]
                for headers, body in chosen[number % 2 :: 2] or chosen:
                    given = {**headers, "idempotency-key": text * 20, "x-request-id": text, "traceparent": text}
                    query = {"q": text, "after": text, "limit": text, "status": text, "name": text}
                    await ask(client, seen, method, path, params=query, content=body, headers=given)


def client_of(app: FastAPI, **headers: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://door.test", headers=headers)


async def knock(house: House, given: Mapping[str, Any], seen: Seen) -> None:
    """Go to every web door, signed out and in."""
    senders = Senders({KEY: Sender(NORTH.tenant, NETWORK)})
    tickets = coatcheck.create(house.ports.documents, senders, house.ports.now)
    async with client_of(tickets) as nobody, client_of(tickets, authorization=f"Bearer {KEY}") as sender:
        await ask_everywhere(tickets, nobody, seen, TEXTS[::6])
        await ask_everywhere(tickets, sender, seen, TEXTS)
        await ask(nobody, seen, "GET", "/tickets/x", headers={"authorization": f"Bearer {TEXTS[0]}"})
    named = {name: value for name, value in given.items() if name in PortalSettings.model_fields}
    portal = build_portal(
        read_settings(PortalSettings, **named, demo_sign_ins=SIGN_INS, secure_cookies=False), house.ports
    )
    async with client_of(portal) as nobody:
        await ask_everywhere(portal, nobody, seen, TEXTS[::7])
    for number, sign_in in enumerate(SIGN_INS):
        for accept in ("application/json", "text/html"):
            async with client_of(portal, accept=accept) as person:
                entered = await person.post("/demo-sign-in", data={"number": number})
                assert entered.status_code == 303, sign_in
                session = Query(where={"actor": sign_in.actor}, sort="-created", limit=1)
                (found,), _ = await house.ports.documents.find(d.SESSIONS, session)
                person.headers["x-csrf-token"] = found.csrf
                await ask_everywhere(portal, person, seen, TEXTS[number % 5 :: 10])
    async with client_of(health_app("planted", house.ports.documents.ping)) as scraper:
        await ask_everywhere(health_app("planted", house.ports.documents.ping), scraper, seen, TEXTS[:2])
        seen.metrics = (await scraper.get("/metrics")).content


async def run(seen: Seen) -> None:
    given = settings(seen.state, "debug")
    async with open_house(given, extra=EXTRA) as house:
        await send_records(house)
        seen.records_only = leaks(look.files(seen.state)) + leaks(look.open_values(seen.state))
        await send_trials(house)
        await knock(house, given, seen)
        await settled(house)
        for collection in (d.PATIENTS, d.MATCHES, d.DEAD_LETTERS, d.TICKETS, d.TRIALS, d.COMMANDS):
            seen.found[collection.name] = await everything(house, collection)  # type: ignore[arg-type]
