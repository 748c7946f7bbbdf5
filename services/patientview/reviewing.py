"""What people decide of local codes: each decision is a version of the feed's table, a step of its history, and an event."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import msgspec

from services.patientview.coding import code_id
from trialbridge.contracts.documents import (
    CODE_CHANGES,
    CODE_TABLES,
    LOCAL_CODES,
    CodeChangeDoc,
    CodeTableDoc,
    CommandDoc,
)
from trialbridge.contracts.errors import Place, Refused, Unavailable
from trialbridge.contracts.events import CodeMapped
from trialbridge.contracts.ids import NetworkId, Pseudonyms, SourceId, TenantId, derive, feed_id
from trialbridge.contracts.topics import CODE_MAPPINGS
from trialbridge.emr.localcodes.book import Action, Book, Change, Decision, Entry, Standing
from trialbridge.emr.localcodes.codes import LocalCode, Target, capped
from trialbridge.runtime.commands import Answer, Carrier, read_body
from trialbridge.runtime.effects import Emitter
from trialbridge.runtime.paging import collect
from trialbridge.runtime.ports import DocumentStore, Query

TRIES: Final = 5
MOST_DECISIONS: Final = 2_000
LONGEST_NOTE: Final = 300


class DecisionAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One decision: of a code that was seen, by its id, or of any code of the feed, by what it is."""

    action: Action
    code: str = ""
    local: LocalCode | None = None
    target: Target | None = None
    note: str = ""


class CodesAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of ``review_codes``: decisions on one feed's codes, taken all together or not at all."""

    network: NetworkId
    tenant: TenantId
    source: SourceId
    reviewer: Literal["practice", "operator"]
    """A practice decides on its own feeds alone; the command's tenant says whose."""
    decisions: tuple[DecisionAsked, ...]


@dataclass(frozen=True, slots=True)
class CodeDesk:
    """Carries out decisions, over the document store and the event log."""

    documents: DocumentStore
    pseudonyms: Pseudonyms

    def kinds(self) -> dict[str, Carrier]:
        """Return the carrier of each kind of command."""
        return {"review_codes": self.review}

    async def review(self, command: CommandDoc, emitter: Emitter) -> Answer:
        """Write the next version of the feed's table with its history, and tell every partition.

        A command that was carried out before a crash changes nothing, and is told again. What was written and not told of the
        history of a version is written before the next version is.

        Raises:
            Refused: ``codes.foreign-tenant``, ``codes.unknown``, ``codes.too-many``, and what `Book.decide` refuses.
        """
        asked = read_body(command, CodesAsked)
        if not 0 < len(asked.decisions) <= MOST_DECISIONS:
            raise Refused("codes.too-many", f"A command brings 1 to {MOST_DECISIONS} decisions.")
        feed = feed_id(asked.network, asked.source)
        for _ in range(TRIES):
            known = await self.documents.get(CODE_TABLES, feed)
            self._check_tenant(asked, command, known.tenant if known else asked.tenant)
            if known is not None:
                await self.documents.upsert(CODE_CHANGES, last_of(known))
            done = await self._carried_out(command)
            book = book_of(known)
            if not done:
                decisions = [await self._decision(one, asked, command, book) for one in asked.decisions]
                made, changes = book.decide(decisions, command.actor, command.requested)
                if not changes:
                    return Answer({"version": book.version, "changed": 0}, message="That stands already.")
                doc = table_doc(feed, asked, made, [_step(asked, one, made.version, command) for one in changes])
                if not await self.documents.replace(CODE_TABLES, doc, known.version if known else 0):
                    continue
                done = last_of(doc)
                await self.documents.upsert(CODE_CHANGES, done)
            for step in done:
                await emitter.publish(
                    CODE_MAPPINGS, step.code, mapped(step), asked.network, f"{step.code}/{step.number}"
                )
            return Answer({"version": done[0].number, "changed": len(done)})
        raise Unavailable("codes.contended", "Others decide on the same feed's codes; it is tried again.")

    async def _carried_out(self, command: CommandDoc) -> list[CodeChangeDoc]:
        """Return what a command has changed already."""
        return await collect(self.documents, CODE_CHANGES, Query({"command": command.id}, limit=500))

    def _check_tenant(self, asked: CodesAsked, command: CommandDoc, owner: str) -> None:
        if owner != asked.tenant or (asked.reviewer == "practice" and command.tenant != owner):
            raise Refused("codes.foreign-tenant", "This feed is another practice's.", Place(field="tenant"))

    async def _decision(self, one: DecisionAsked, asked: CodesAsked, command: CommandDoc, book: Book) -> Decision:
        """Return a decision with the code that it is about; raise `Refused` where the feed has no such code."""
        name, code = one.code, one.local
        if name:
            seen = await self.documents.get(LOCAL_CODES, name)
            entry = book.entries.get(name)
            if seen is not None:
                self._check_tenant(asked, command, seen.tenant)
            if (seen is None or seen.source != asked.source) and entry is None:
                raise Refused("codes.unknown", "The feed has no such code.", Place(field="decisions"))
            code = entry.code if entry else msgspec.json.decode(seen.said, type=LocalCode) if seen else None
        elif code is not None:
            name = code_id(self.pseudonyms, asked.network, asked.source, code.identity)
        if code is None:
            raise Refused("codes.unknown", "Say which code is meant.", Place(field="decisions"))
        return Decision(name, code, one.action, one.target, capped(one.note, LONGEST_NOTE))


def book_of(doc: CodeTableDoc | None) -> Book:
    """Return a feed's table as it is kept; an empty one where there is none."""
    if doc is None:
        return Book()
    return Book(doc.version, msgspec.json.decode(doc.entries, type=dict[str, Entry]))


def last_of(doc: CodeTableDoc) -> list[CodeChangeDoc]:
    """Return the steps of history that made this version."""
    return msgspec.json.decode(doc.last, type=list[CodeChangeDoc])


def table_doc(feed: str, asked: CodesAsked, book: Book, steps: Sequence[CodeChangeDoc]) -> CodeTableDoc:
    """Return the document of a table, with the steps that made its version."""
    return CodeTableDoc(
        id=feed,
        version=book.version,
        network=asked.network,
        tenant=asked.tenant,
        source=asked.source,
        digest=book.digest,
        accepted=len(book.accepted()),
        entries=msgspec.Raw(msgspec.json.encode(book.entries)),
        last=msgspec.Raw(msgspec.json.encode(steps)),
    )


def _step(asked: CodesAsked, change: Change, version: int, command: CommandDoc) -> CodeChangeDoc:
    standing = change.after
    return CodeChangeDoc(
        id=derive("cdc", (feed_id(asked.network, asked.source), str(version), change.identity)),
        version=1,
        network=asked.network,
        tenant=asked.tenant,
        source=asked.source,
        code=change.identity,
        kind=change.code.kind,
        action=change.action,
        number=version,
        actor=command.actor,
        at=command.requested,
        command=command.id,
        said=msgspec.Raw(msgspec.json.encode(change.code)),
        before=msgspec.Raw(msgspec.json.encode(change.before)),
        after=msgspec.Raw(msgspec.json.encode(change.after)),
        note=standing.note if standing and change.action != "undo" else "",
    )


def mapped(step: CodeChangeDoc) -> CodeMapped:
    """Return the event of a step: what the code means after it."""
    standing = msgspec.json.decode(step.after, type=Standing | None)
    target = standing.target if standing else None
    return CodeMapped(
        network=NetworkId(step.network),
        tenant=TenantId(step.tenant),
        source=SourceId(step.source),
        code=step.code,
        version=step.number,
        since=standing.since if standing and target else 0,
        system=target.system if target else "",
        value=target.code if target else "",
        display=target.display if target else "",
    )
