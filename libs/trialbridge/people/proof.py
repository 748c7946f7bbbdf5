"""What a shared identifier proves: nothing where one source gives it to several patients, and no more than birth date and sex allow.

A dummy number stands in many records of a source; a claimed one comes with another person's birth date and sex. Both rules look at
who holds an identifier now, never at who came first: the same holders in any order are tied and kept apart alike.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TypeVar

from trialbridge.contracts.ids import SourceId, SourcePatientKey
from trialbridge.people.members import Directory, Member

K = TypeVar("K", bound=Hashable)

Signature = frozenset[tuple[str, str]]
"""Birth dates and sexes of records that are one by a merge."""


def proves(directory: Directory, name: str) -> bool:
    """Return whether an identifier ties its holders: no source gives it to two patients that it has not merged."""
    merged: dict[SourceId, set[SourcePatientKey]] = {}
    for key in directory.holders(name):
        member = directory.member(key)
        if member is None or not member.source:
            continue
        if key not in merged.setdefault(member.source, merge_group(directory, key)):
            return False
    return True


def merge_group(directory: Directory, start: SourcePatientKey) -> set[SourcePatientKey]:
    """Return everyone who was merged with ``start``, directly or through others, itself included."""
    found: set[SourcePatientKey] = set()
    waiting = [start]
    while waiting:
        key = waiting.pop()
        if key not in found:
            found.add(key)
            member = directory.member(key)
            waiting.extend(member.merges if member else ())
    return found


def parts(
    members: Mapping[SourcePatientKey, Member], names: Mapping[SourcePatientKey, Iterable[str]]
) -> list[dict[SourcePatientKey, Member]]:
    """Return the persons among ``members``, whom identifiers and merges tie together; ``names`` are the identifiers that prove.

    Records disagree where birth date and sex are both recorded and both other. An identifier ties two only where the same records
    disagree with both of them: a record that names neither does not join those that disagree, it stays apart until it is told
    whose it is. Merges tie whatever the records say.
    """
    if not _dispute(members.values()):
        return [dict(members)]
    merges = [(key, other) for key, member in members.items() for other in member.merges if other in members]
    units = groups(members, merges)
    against = _against({key: _signature(members, unit) for unit in units for key in unit})
    holders: dict[tuple[str, frozenset[Signature]], list[SourcePatientKey]] = {}
    for key in members:
        for name in names[key]:
            holders.setdefault((name, against[key]), []).append(key)
    ties = [(sharing[0], other) for sharing in holders.values() for other in sharing[1:]]
    return [{key: members[key] for key in sorted(part)} for part in groups(members, [*merges, *ties])]


def groups(keys: Iterable[K], ties: Sequence[tuple[K, K]]) -> list[set[K]]:
    """Return the groups that ties make of keys, in the order of their first keys."""
    beside: dict[K, list[K]] = {key: [] for key in keys}
    for one, other in ties:
        beside[one].append(other)
        beside[other].append(one)
    found: list[set[K]] = []
    seen: set[K] = set()
    for key in beside:
        if key not in seen:
            group, waiting = {key}, [key]
            while waiting:
                more = [other for other in beside[waiting.pop()] if other not in group]
                group.update(more)
                waiting.extend(more)
            seen |= group
            found.append(group)
    return found


def disagree(one: tuple[str, str], other: tuple[str, str]) -> bool:
    """Return whether two records name another birth date and another sex; a partial date agrees with any day in it."""
    (born, sex), (other_born, other_sex) = one, other
    known = born and other_born and sex and other_sex
    return bool(known) and sex != other_sex and not (born.startswith(other_born) or other_born.startswith(born))


def _dispute(members: Iterable[Member]) -> bool:
    said = sorted({_said(member) for member in members})
    return any(disagree(one, other) for number, one in enumerate(said) for other in said[:number])


def _said(member: Member) -> tuple[str, str]:
    return member.birth_date, member.sex if member.sex != "unknown" else ""


def _signature(members: Mapping[SourcePatientKey, Member], unit: Iterable[SourcePatientKey]) -> Signature:
    return frozenset(_said(members[key]) for key in unit)


def _against(signatures: Mapping[SourcePatientKey, Signature]) -> dict[SourcePatientKey, frozenset[Signature]]:
    """Return by record all that disagrees with it: signatures of which nothing agrees with anything of its own."""
    every = set(signatures.values())
    found = {
        mine: frozenset(theirs for theirs in every if all(disagree(one, other) for one in mine for other in theirs))
        for mine in every
    }
    return {key: found[signature] for key, signature in signatures.items()}
