"""A feed's table of local codes as people decide it: versions that only grow, each step with what stood before and after."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

import msgspec

from trialbridge.contracts.errors import Refused
from trialbridge.contracts.ids import Digest, digest
from trialbridge.emr.localcodes.applying import Meaning
from trialbridge.emr.localcodes.codes import LocalCode, Target, checked

Action = Literal["accept", "reject", "undo"]
MOST_ENTRIES: Final = 20_000


class Standing(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is decided of a code: a target that is applied, or None for one that is to stay without."""

    target: Target | None
    by: str
    at: str
    since: int
    """The version of the table that this decision made; an undo brings the whole decision back, this number with it."""
    note: str = ""


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """A code of the table: what stands, and what stood before each decision that is not undone."""

    code: LocalCode
    standing: Standing | None = None
    earlier: tuple[Standing | None, ...] = ()


class Change(msgspec.Struct, frozen=True):
    """One step of the history."""

    identity: str
    code: LocalCode
    action: Action
    before: Standing | None
    after: Standing | None


class Decision(msgspec.Struct, frozen=True):
    """What a person decides of one code: a target (accept), none (reject), or to go one decision back (undo)."""

    identity: str
    code: LocalCode
    action: Action
    target: Target | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Book:
    """A feed's table at one version; ids of local codes are the keys."""

    version: int = 0
    entries: Mapping[str, Entry] = field(default_factory=dict)

    def decide(self, decisions: Iterable[Decision], by: str, at: str) -> tuple["Book", tuple[Change, ...]]:
        """Return the next version and what it changes; the book itself where nothing changes. All decisions are taken, or none.

        Raises:
            Refused: ``codes.bad-system``, ``codes.bad-target``, ``codes.nothing-to-undo``, ``codes.table-full``.
        """
        entries, changes = dict(self.entries), []
        for one in decisions:
            known = entries.get(one.identity) or Entry(one.code)
            new = _undone(known) if one.action == "undo" else _decided(known, one, by, at, self.version + 1)
            if new is known:
                continue
            changes.append(Change(one.identity, known.code, one.action, known.standing, new.standing))
            if new.standing is None and not new.earlier:
                entries.pop(one.identity, None)
            else:
                entries[one.identity] = new
        if not changes:
            return self, ()
        if len(entries) > MOST_ENTRIES:
            raise Refused("codes.table-full", f"A feed's table holds {MOST_ENTRIES} codes at most.")
        return Book(self.version + 1, entries), tuple(changes)

    def meaning(self, identity: str) -> Meaning | None:
        """Return what a code means, None unless a mapping is accepted."""
        entry = self.entries.get(identity)
        standing = entry.standing if entry else None
        return Meaning(standing.target, standing.since) if standing and standing.target else None

    def accepted(self) -> dict[str, Target]:
        """Return the mappings in force by the local code's id, sorted."""
        found = ((identity, self.meaning(identity)) for identity in sorted(self.entries))
        return {identity: meaning.target for identity, meaning in found if meaning}

    @property
    def digest(self) -> Digest:
        """Return the digest of the mappings in force: the same mappings, the same digest, by whatever way."""
        return digest(msgspec.json.encode(self.accepted()))


def _decided(known: Entry, one: Decision, by: str, at: str, version: int) -> Entry:
    """Return the entry after a decision; the entry itself where that stands already."""
    target = checked(one.code.kind, one.target) if one.action == "accept" and one.target else None
    if one.action == "accept" and target is None:
        raise Refused("codes.bad-target", "Say what the code is mapped to.")
    if known.standing is not None and known.standing.target == target:
        return known
    standing = Standing(target, by, at, version, one.note)
    return Entry(known.code, standing, (*known.earlier, known.standing))


def _undone(known: Entry) -> Entry:
    if not known.earlier:
        raise Refused("codes.nothing-to-undo", "Nothing was decided of this code that could be taken back.")
    return Entry(known.code, known.earlier[-1], known.earlier[:-1])
