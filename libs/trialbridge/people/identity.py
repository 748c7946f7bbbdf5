"""Identity within one network: exact strong identifiers and merges make source patients one person, unless they disagree.

The seam for a fuller linkage: `component` asks a `Directory` who is tied to whom. A scorer that grades pairs adds its certain
pairs as ties there (beside shared identifiers and merges); persons, ids and moves then follow as they do now.
The result is a function of the set of members: neither order nor repetition of what was seen matters.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec

from trialbridge.contracts.ids import NetworkId, PatientId, Pseudonyms, SourcePatientKey
from trialbridge.people.identifiers import Token, tokens
from trialbridge.people.members import Directory, Member
from trialbridge.people.proof import parts, proves


class Link(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The person that a source patient belongs to, and why; reasons are stable words, never values.

    ``held:MR`` is an identifier that another record holds which is kept apart, ``shared:PI`` one that proves nothing.
    """

    patient: PatientId
    reasons: tuple[str, ...] = ()


def component(directory: Directory, start: SourcePatientKey) -> dict[SourcePatientKey, Member]:
    """Return everyone whom an identifier that proves or a merge ties to ``start``, through others too, itself included.

    Empty where it is not known. Birth dates and sexes are not looked at yet: `links` keeps apart who disagrees.
    """
    found: dict[SourcePatientKey, Member] = {}
    asked: set[str] = set()
    waiting = [start]
    while waiting:
        key = waiting.pop()
        member = None if key in found else directory.member(key)
        if member is None:
            continue
        found[key] = member
        waiting.extend(member.merges)
        for name in tokens(member.identifiers):
            if name not in asked:
                asked.add(name)
                waiting.extend(directory.holders(name) if proves(directory, name) else ())
    return found


def linked(
    network: NetworkId, directory: Directory, start: SourcePatientKey, pseudonyms: Pseudonyms
) -> dict[SourcePatientKey, Link]:
    """Return the links of everyone tied to ``start`` and of those who are kept apart from it; empty where it is not known."""
    members = component(directory, start)
    names = {name for member in members.values() for name in tokens(member.identifiers)}
    return links(network, members, pseudonyms, frozenset(name for name in names if not proves(directory, name)))


def links(
    network: NetworkId,
    members: Mapping[SourcePatientKey, Member],
    pseudonyms: Pseudonyms,
    void: Collection[str] = (),
) -> dict[SourcePatientKey, Link]:
    """Return the links of one component; ``void`` are the identifiers that prove nothing.

    The person's id comes from its best-ranked identifier (the smallest of equals), else from the smallest source key. One that
    proves nothing, or that records hold which are kept apart, is nobody's.
    """
    held = {key: tokens(member.identifiers) for key, member in members.items()}
    people = parts(members, {key: mine.keys() - void for key, mine in held.items()})
    owners = Counter(name for part in people for name in {name for key in part for name in held[key]})
    split = {name for name, count in owners.items() if count > 1} - {*void}
    found: dict[SourcePatientKey, Link] = {}
    for part in people:
        mine = {key: held[key] for key in part}
        own = (
            strong
            for each in mine.values()
            for name, (strong, _) in each.items()
            if name not in void and name not in split
        )
        best = min(own, default=None)
        patient = pseudonyms.patient(network, min(part) if best is None else best.name)
        conflict = _conflicts(mine.values())
        for key, member in part.items():
            apart = _named("held", held[key], split) + _named("shared", held[key], void)
            found[key] = Link(patient, _reasons(member, part, mine, void) + conflict + apart)
    return found


def _reasons(
    member: Member,
    members: Mapping[SourcePatientKey, Member],
    held: Mapping[SourcePatientKey, Mapping[str, tuple[Token, str]]],
    void: Collection[str],
) -> tuple[str, ...]:
    shared = {
        f"identifier:{word}"
        for name, (_, word) in held[member.key].items()
        if name not in void and any(name in theirs for key, theirs in held.items() if key != member.key)
    }
    if any(other in members for other in member.merges):
        shared.add("merge")
    return tuple(sorted(shared)) or ("alone",)


def _named(reason: str, held: Mapping[str, tuple[Token, str]], names: Collection[str]) -> tuple[str, ...]:
    """Return a reason for each type of identifier among ``names``."""
    return tuple(sorted({f"{reason}:{word}" for name, (_, word) in held.items() if name in names}))


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
            found.update(linked(network, snapshot, key, pseudonyms))
    return found
