"""The desk of a service: polls for what people asked for by command documents, has it carried out, writes the answer."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, TypeVar

import msgspec

from trialbridge.contracts.documents import COMMANDS, CommandDoc
from trialbridge.contracts.errors import NOT_AS_DESCRIBED, Place, Poison, Refused, TrialbridgeError, json_path
from trialbridge.contracts.events import AuditRecorded
from trialbridge.contracts.ids import NetworkId, TenantId, derive
from trialbridge.contracts.topics import AUDIT
from trialbridge.ledger.actions import Action
from trialbridge.runtime.effects import Emitter
from trialbridge.runtime.paging import collect
from trialbridge.runtime.ports import DocumentStore, Query
from trialbridge.runtime.telemetry import logs

T = TypeVar("T")
LOG: Final = logs.logger("commands")
PAGE: Final = 100
NO_NETWORK: Final = NetworkId("")
"""An audit event names an actor, a command and codes, nothing of a patient."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a command."""

    result: Any = field(default_factory=dict)
    """Anything that msgspec encodes as a JSON object."""
    refused: Poison | None = None
    """Why it was refused, where the result says more about it."""
    message: str = ""


Carrier = Callable[[CommandDoc, Emitter], Awaitable[Answer]]
"""Carries out one kind of command; raises `Refused` where there is nothing more to say. Must bear being repeated."""


@dataclass(frozen=True, slots=True)
class CommandDesk:
    """A background loop over the commands to one service."""

    documents: DocumentStore
    to: str
    """The service's name, as commands are addressed."""
    interval: float
    """Seconds between two looks."""
    kinds: Mapping[str, Carrier]
    now: Callable[[], datetime]

    async def __call__(self, emitter: Emitter) -> None:
        """Look for commands until cancelled; raises `Unavailable` when store or log are away."""
        while True:
            await self.carry_out(emitter)
            await asyncio.sleep(self.interval)

    async def carry_out(self, emitter: Emitter) -> int:
        """Carry out all commands that wait, oldest first; return how many.

        The answer is written last, after the audit event: what a crash cut off is carried out and told again, under the same
        ids, which its effects must bear.
        """
        asked = Query(where={"to": self.to, "status": "requested"}, sort="requested", limit=PAGE)
        commands = await collect(self.documents, COMMANDS, asked)
        for command in commands:
            answered = await self._answered(command, emitter)
            event = self._recorded(answered)
            await emitter.publish(AUDIT, event.actor, event, NO_NETWORK, f"audit/{command.id}")
            await self.documents.upsert(COMMANDS, [answered])
        return len(commands)

    def _recorded(self, answered: CommandDoc) -> AuditRecorded:
        """Return the audit event: who asked for what, and whether it was done."""
        refused = answered.status == "refused"
        return AuditRecorded(
            id=derive("aud", (answered.id, Action.COMMAND_CARRIED_OUT)),
            actor=answered.actor,
            tenant=TenantId(answered.tenant),
            role="",
            action=Action.COMMAND_CARRIED_OUT,
            subject=answered.id,
            at=self.now().isoformat(timespec="seconds"),
            outcome="failure" if refused else "success",
            reason=f"{answered.kind}: {answered.code}" if refused else answered.kind,
            request=answered.id,
        )

    def _carrier(self, kind: str) -> Carrier:
        carrier = self.kinds.get(kind)
        if carrier is None:
            known = ", ".join(sorted(self.kinds))
            raise Refused("command.unknown-kind", f"The {self.to} knows these commands: {known}.")
        return carrier

    async def _answered(self, command: CommandDoc, emitter: Emitter) -> CommandDoc:
        try:
            answer = await self._carrier(command.kind)(command, emitter)
        except Poison as error:
            answer = Answer(refused=error)
        except TrialbridgeError:
            raise
        except Exception as error:  # a boundary like that of the stream: a defect must not stop the commands behind it
            LOG.exception("a command failed", extra={"stage": self.to, "code": "command.unexpected"})
            why = f"The {self.to} failed on this command ({type(error).__name__})."
            answer = Answer(refused=Refused("command.unexpected", why))
        refused = answer.refused
        return msgspec.structs.replace(
            command,
            version=command.version + 1,
            status="refused" if refused else "done",
            code=refused.code if refused else "",
            message=refused.message if refused else answer.message,
            result=msgspec.Raw(msgspec.json.encode(answer.result)),
        )


def read_body(command: CommandDoc, kind: type[T]) -> T:
    """Return a command's body; raise `Refused` ``command.malformed`` with the path where it is not of ``kind``."""
    try:
        return msgspec.json.decode(command.body, type=kind)
    except NOT_AS_DESCRIBED as error:
        place = Place(field=json_path(error))
        raise Refused(
            "command.malformed", f"The command's body is not as described, at {place.field}.", place
        ) from None
