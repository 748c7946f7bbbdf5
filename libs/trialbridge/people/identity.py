"""Identity within one network: exact strong identifiers and merges make source patients one person.

The seam for a fuller linkage: `component` asks a `Directory` who is tied to whom. A scorer that grades pairs adds its certain
pairs as ties there (beside shared identifiers and merges); persons, ids and moves then follow as they do now.
The result is a function of the set of members: neither order nor repetition of what was seen matters.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import msgspec

from trialbridge.contracts.events import Identifier
from trialbridge.contracts.ids import NetworkId, PatientId, Pseudonyms, SourcePatientKey
from trialbridge.people.identifiers import Token, tokens


class Member(msgspec.Struct, frozen=True, omit_defaults=True):
    """A source patient as identity sees it."""

    key: SourcePatientKey
    identifiers: tuple[Identifier, ...] = ()
    merges: tuple[SourcePatientKey, ...] = ()
    """Source patients that a source said are the same (HL7 v2 A40), both ways."""


class Link(msgspec.Struct, frozen=True, omit_defaults=True):
    """The person that a source patient belongs to, and why; reasons are stable words, never values."""

    patient: PatientId
    reasons: tuple[str, ...] = ()


class Directory(Protocol):
    """Who is known in the network."""

    def member(self, key: SourcePatientKey) -> Member | None:
        """Return a source patient."""
        ...

    def holders(self, name: str) -> Sequence[SourcePatientKey]:
        """Return the source patients that hold the strong identifier of this `Token` name."""
        ...


def component(directory: Directory, start: SourcePatientKey) -> dict[SourcePatientKey, Member]:
    """Return everyone tied to ``start`` directly or through others, itself included; empty where it is not known."""
    found: dict[SourcePatientKey, Member] = {}
    waiting = [start]
    while waiting:
        key = waiting.pop()
        member = None if key in found else directory.member(key)
        if member is None:
            continue
        found[key] = member
        waiting.extend(member.merges)
        for name in tokens(member.identifiers):
            waiting.extend(directory.holders(name))
    return found


def links(
    network: NetworkId, members: Mapping[SourcePatientKey, Member], pseudonyms: Pseudonyms
) -> dict[SourcePatientKey, Link]:
    """Return the links of one component.

    The person's id comes from its best-ranked identifier (the smallest of equals), else from the smallest source key.
    """
    held = {key: tokens(member.identifiers) for key, member in members.items()}
    best = min((strong for mine in held.values() for strong, _ in mine.values()), default=None)
    anchor = min(members) if best is None else best.name
    patient = pseudonyms.patient(network, anchor)
    conflict = _conflicts(held.values())
    return {key: Link(patient, _reasons(member, members, held) + conflict) for key, member in members.items()}


def _reasons(
    member: Member,
    members: Mapping[SourcePatientKey, Member],
    held: Mapping[SourcePatientKey, Mapping[str, tuple[Token, str]]],
) -> tuple[str, ...]:
    shared = {
        f"identifier:{word}"
        for name, (_, word) in held[member.key].items()
        if any(name in theirs for key, theirs in held.items() if key != member.key)
    }
    if any(other in members for other in member.merges):
        shared.add("merge")
    return tuple(sorted(shared)) or ("alone",)


def _conflicts(held: Iterable[Mapping[str, tuple[Token, str]]]) -> tuple[str, ...]:
    """Return the types of which one authority gave one person several values: a sign of a wrong link, for people to see."""
    values: dict[tuple[str, str], set[str]] = {}
    for mine in held:
        for strong, word in mine.values():
            if strong.rank == 1:
                values.setdefault((word, strong.system), set()).add(strong.value)
    return tuple(sorted({f"conflict:{word}" for (word, _), several in values.items() if len(several) > 1}))


class Snapshot:
    """A `Directory` over a whole network at once: what re-linking from scratch and the tests use."""

    def __init__(self, members: Iterable[Member]) -> None:
        """Index ``members``; merges count both ways whoever states them."""
        self._members = {member.key: member for member in members}
        self._merges: dict[SourcePatientKey, set[SourcePatientKey]] = {}
        self._holders: dict[str, list[SourcePatientKey]] = {}
        for key in sorted(self._members):
            for name in tokens(self._members[key].identifiers):
                self._holders.setdefault(name, []).append(key)
            for other in self._members[key].merges:
                self._merges.setdefault(key, set()).add(other)
                self._merges.setdefault(other, set()).add(key)

    def member(self, key: SourcePatientKey) -> Member | None:
        """Return a source patient; one known from a merge alone has no identifiers."""
        if key not in self._members and key not in self._merges:
            return None
        known = self._members.get(key, Member(key))
        return msgspec.structs.replace(known, merges=tuple(sorted(self._merges.get(key, ()))))

    def holders(self, name: str) -> Sequence[SourcePatientKey]:
        """Return the holders of a strong identifier."""
        return self._holders.get(name, ())

    def everyone(self) -> list[SourcePatientKey]:
        """Return every source patient, those known from a merge alone included."""
        return sorted({*self._members, *self._merges})


def resolve(network: NetworkId, members: Iterable[Member], pseudonyms: Pseudonyms) -> dict[SourcePatientKey, Link]:
    """Return the link of every source patient of a network."""
    snapshot = Snapshot(members)
    found: dict[SourcePatientKey, Link] = {}
    for key in snapshot.everyone():
        if key not in found:
            found.update(links(network, component(snapshot, key), pseudonyms))
    return found
