"""Carries out the demo's script: each step's requests, then waiting until all of it has gone through."""

import time
from dataclasses import dataclass, field
from typing import Final, Protocol

import msgspec

from services.cli.asking import command
from services.cli.delivery import Parcel, issue, put_parcel, untouched
from services.cli.demo.door import Door
from services.cli.demo.settled import settle
from trialbridge.contracts.documents import COMMANDS, SETTINGS, CommandDoc, SettingDoc
from trialbridge.contracts.errors import Misconfigured
from trialbridge.contracts.ids import NetworkId, derive
from trialbridge.runtime.serve import ServicePorts
from trialbridge.runtime.settings import BaseServiceSettings
from trialbridge.testkit.feeds import PlainBundle
from trialbridge.testkit.places import NETWORK
from trialbridge.testkit.script import (
    AcceptCode,
    Action,
    Deliver,
    RegisterTrial,
    Script,
    Send,
    SetRegulatory,
    SetTrialStatus,
)

PROGRESS: Final = "demo/progress"
KIND: Final = "demo/kind"


class Watcher(Protocol):
    """Is told how the run goes."""

    def step(self, number: int, title: str) -> None:
        """A step begins."""
        ...

    async def look(self, left: int) -> None:
        """Time has passed; ``left`` is how much is not done."""
        ...


@dataclass(slots=True)
class Director:
    """Carries out a script against running services; goes on where an earlier run stopped."""

    ports: ServicePorts
    settings: BaseServiceSettings
    script: Script
    repeat: int = 1
    """How often each ticket is delivered."""
    door: Door | None = None
    """Where messages are sent; without it they are delivered as small bundles."""
    seconds: dict[str, float] = field(default_factory=dict)

    async def claim(self, kind: str) -> None:
        """Note what this run is; raise `Misconfigured` ``demo.state-differs`` where the state belongs to another one."""
        documents = self.ports.documents
        known = await documents.get(SETTINGS, KIND)
        if known is None:
            await documents.upsert(SETTINGS, [SettingDoc(id=KIND, version=1, value=kind)])
        elif known.value != kind:
            raise Misconfigured(
                "demo.state-differs",
                f"The state folder holds a run of {known.value}. Name another folder with --state, or remove it.",
            )

    async def run(self, watcher: Watcher) -> None:
        """Carry out all steps that are not done yet."""
        first = await self._done()
        for number, step in enumerate(self.script.steps):
            if number < first:
                continue
            watcher.step(number, step.title)
            started = time.perf_counter()
            for place, action in enumerate(step.actions):
                await self._carry_out(f"{number}/{place}", action)
            await settle(self.ports.documents, self.settings, watcher.look)
            await self._note(number + 1)
            self.seconds[step.title] = round(time.perf_counter() - started, 3)

    async def _done(self) -> int:
        doc = await self.ports.documents.get(SETTINGS, PROGRESS)
        return int(doc.value) if doc else 0

    async def _note(self, count: int) -> None:
        await self.ports.documents.upsert(SETTINGS, [SettingDoc(id=PROGRESS, version=count, value=str(count))])

    async def _carry_out(self, place: str, action: Action) -> None:
        if isinstance(action, Deliver):
            await self._deliver(place, action.bundle)
        elif isinstance(action, Send):
            await self._send_message(place, action.bundle)
        elif isinstance(action, AcceptCode):
            await self._accept(place, action)
        elif isinstance(action, RegisterTrial):
            await self._ask(place, "register_trial", {"name": action.name, "text": action.text})
        elif isinstance(action, SetTrialStatus):
            await self._ask(place, "set_trial_status", {"trial": action.trial, "status": action.status})
        elif isinstance(action, SetRegulatory):
            await self._send(command(self.ports, "trialfeed", "set_regulatory", action.status, identity=_id(place)))

    async def _ask(self, place: str, kind: str, body: dict[str, str]) -> None:
        await self._send(command(self.ports, "trialfeed", kind, body, identity=_id(place), tenant="demo"))

    async def _deliver(self, place: str, bundle: PlainBundle) -> None:
        parcel = Parcel(
            NetworkId(NETWORK), bundle.tenant, bundle.source, bundle.key, bundle.media_type, bundle.body, bundle.created
        )
        info, sha256 = await put_parcel(self.ports, parcel, _flip if bundle.tampered else untouched)
        for turn in range(self.repeat):
            await self._send(issue(self.ports, parcel, info, sha256, identity=_id(f"{place}/{turn}")))

    async def _send_message(self, place: str, message: PlainBundle) -> None:
        if self.door is None:
            await self._deliver(place, message)
            return
        for _ in range(self.repeat):
            await self.door.send(message)

    async def _accept(self, place: str, action: AcceptCode) -> None:
        decision = {"action": "accept", "local": action.local, "target": action.target}
        body = {
            "network": NETWORK, "tenant": action.tenant, "source": action.source, "reviewer": "practice",
            "decisions": [decision],
        }  # fmt: skip
        actor, tenant = f"coordinator@{action.tenant}", action.tenant
        asked = command(
            self.ports, "patientview", "review_codes", body, identity=_id(place), actor=actor, tenant=tenant
        )
        await self._send(msgspec.structs.replace(asked, network=NETWORK))

    async def _send(self, request: CommandDoc) -> None:
        await self.ports.documents.upsert(COMMANDS, [request])


def _id(place: str) -> str:
    return derive("cmd", ("demo", place))


def _flip(sealed: bytes) -> bytes:
    """Return the bytes with one bit changed in the middle."""
    middle = len(sealed) // 2
    return sealed[:middle] + bytes([sealed[middle] ^ 1]) + sealed[middle + 1 :]
