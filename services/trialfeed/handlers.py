"""The use cases of the trial feed: register a trial, set its status, set what an authority says of it.

Each writes its document by compare-and-set first and publishes then. A crash in between is healed at the next start, when
everything stored is published again.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import msgspec

from services.trialfeed.publishing import publish_statement, publish_trial
from services.trialfeed.versions import next_statement, next_trial, with_status
from trialbridge.contracts.documents import REGULATORY, TRIALS, CommandDoc, TrialDoc
from trialbridge.contracts.errors import Place, Refused, Unavailable
from trialbridge.contracts.ids import TrialId
from trialbridge.criteria.compiler import Compiled, compile_text
from trialbridge.runtime.commands import Answer, read_body
from trialbridge.runtime.effects import Emitter
from trialbridge.runtime.ports import DocumentStore

TRIES = 5


class TrialAsked(msgspec.Struct, frozen=True):
    """The body of ``register_trial``."""

    text: str
    name: str = ""
    lab: str = ""
    """The laboratory in whose name it is registered; empty where the trial itself says."""


class StatusAsked(msgspec.Struct, frozen=True):
    """The body of ``set_trial_status``."""

    trial: TrialId
    status: Literal["open", "suspended", "closed"]


class StatementAsked(msgspec.Struct, frozen=True):
    """The body of ``set_regulatory``: an event whose ``seq`` may be left out."""

    trial: TrialId
    approved: bool
    seq: int = 0
    hold: bool = False
    hold_reason: str = ""
    authority: str = ""
    sites: dict[str, Literal["active", "inactive"]] = {}
    effective: str = ""


@dataclass(frozen=True, slots=True)
class Handlers:
    """The carriers of the commands to the trial feed."""

    documents: DocumentStore
    now: Callable[[], datetime]

    async def register_trial(self, command: CommandDoc, emitter: Emitter) -> Answer:
        """Compile the trial and publish its next version; the same definition again is no new version.

        A refused trial is answered with every diagnostic; what is registered already stays as it is.
        """
        asked = read_body(command, TrialAsked)
        compiled = await asyncio.to_thread(compile_text, asked.text, asked.name)
        if compiled.trial is None:
            return _refused(compiled)
        lab = _lab(compiled.trial.lab, asked.lab, command.tenant)
        for _ in range(TRIES):
            known = await self.documents.get(TRIALS, compiled.trial.id)
            if known is not None and asked.lab and known.lab != asked.lab:
                raise Refused("trial.taken", "Another laboratory has a trial with this id.", Place(field="id"))
            doc = next_trial(known, compiled, lab, command.requested or self.now().isoformat())
            if doc is known or await self.documents.replace(TRIALS, doc, known.version if known else 0):
                await publish_trial(doc, emitter)
                return Answer(_result(doc, compiled, unchanged=doc is known))
        raise _contended()

    async def set_trial_status(self, command: CommandDoc, emitter: Emitter) -> Answer:
        """Open, suspend or close a registered trial; raise `Refused` ``trial.unknown``."""
        asked = read_body(command, StatusAsked)
        for _ in range(TRIES):
            known = await self.documents.get(TRIALS, asked.trial)
            if known is None:
                raise Refused("trial.unknown", "There is no such trial; register it first.", Place(field="trial"))
            doc = with_status(known, asked.status, command.requested or self.now().isoformat())
            if doc is known or await self.documents.replace(TRIALS, doc, known.version):
                await publish_trial(doc, emitter)
                return Answer({"trial": doc.id, "version": doc.version, "status": doc.status})
        raise _contended()

    async def set_regulatory(self, command: CommandDoc, emitter: Emitter) -> Answer:
        """Keep and publish what an authority says of a trial, which may be registered later.

        An older statement than the stored one changes nothing; raise `Refused` ``regulatory.seq-used`` where its number says
        something else already.
        """
        asked = read_body(command, StatementAsked)
        for _ in range(TRIES):
            known = await self.documents.get(REGULATORY, asked.trial)
            doc = next_statement(known, msgspec.structs.asdict(asked))
            if doc is known or await self.documents.replace(REGULATORY, doc, known.version if known else 0):
                await publish_statement(doc, emitter)
                stale = 0 < asked.seq < doc.version
                message = "A newer statement is in force; this one changes nothing." if stale else ""
                return Answer({"trial": doc.id, "seq": doc.version}, message=message)
        raise _contended()


def _lab(own: str, asked: str, tenant: str) -> str:
    """Return the trial's laboratory; raise `Refused` ``trial.foreign-lab`` where it is registered in another one's name."""
    if own and asked and own != asked:
        raise Refused("trial.foreign-lab", "The trial names another laboratory than yours.", Place(field="lab"))
    return own or asked or tenant


def _refused(compiled: Compiled) -> Answer:
    """Return the answer to a trial with faults: the first one in words, all of them in the result."""
    first = next(one for one in compiled.diagnostics if one.severity == "error")
    hint = f" {first.hint}" if first.hint else ""
    error = Refused(first.code, f"{first.path}: {first.message}{hint}", Place(field=first.path))
    return Answer({"diagnostics": compiled.diagnostics}, error)


def _result(doc: TrialDoc, compiled: Compiled, *, unchanged: bool) -> dict[str, Any]:
    return {
        "trial": doc.id, "version": doc.version, "digest": doc.digest, "status": doc.status, "unchanged": unchanged,
        "diagnostics": compiled.diagnostics,
    }  # fmt: skip


def _contended() -> Unavailable:
    return Unavailable("trialfeed.contended", "Others write to the same trial; it is tried again.")
