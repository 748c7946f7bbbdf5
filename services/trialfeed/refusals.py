"""Says in the log that something from a file was refused: nobody stands before it as before a form."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from trialbridge.contracts.documents import CommandDoc
from trialbridge.contracts.errors import Poison
from trialbridge.contracts.filed import FILE_ACTOR, FILE_TENANT
from trialbridge.runtime.commands import Answer, Carrier
from trialbridge.runtime.effects import Emitter
from trialbridge.runtime.telemetry import logs

LOG: Final = logs.logger("trialfeed")


class _Named(msgspec.Struct, frozen=True):
    """What a body says of where it came from."""

    name: str = ""
    """A trial file's."""
    trial: str = ""
    """A regulatory statement's."""


def told(carrier: Carrier) -> Carrier:
    """Return the carrier, which also logs what it refuses from a file: code, file and line, never the text."""

    async def carry(command: CommandDoc, emitter: Emitter) -> Answer:
        try:
            answer = await carrier(command, emitter)
        except Poison as error:
            _log(command, error, 0)
            raise
        if answer.refused is not None:
            _log(command, answer.refused, _first_line(answer.result))
        return answer

    return carry


def _first_line(result: Mapping[str, Any]) -> int:
    """Return the line of the first error among a result's diagnostics, from 1; 0 where none is known."""
    return next((one.line for one in result.get("diagnostics", ()) if one.severity == "error"), 0)


def _log(command: CommandDoc, error: Poison, line: int) -> None:
    if (command.tenant, command.actor) != (FILE_TENANT, FILE_ACTOR):
        return
    named = msgspec.json.decode(command.body, type=_Named)
    name = named.name or named.trial
    place = f"{name}:{line}" if line else name
    LOG.warning("a file's content was refused", extra={"code": error.code, "kind": command.kind, "place": place})
