"""The one writer of a network's links: who is tied to whom, kept in tables and asked through `people.identity`."""

from collections.abc import Sequence

import msgspec

from services.patientview.tables import HOLDERS, MEMBERS, Known
from trialbridge.contracts.events import DemographicsSeen
from trialbridge.contracts.ids import NetworkId, Pseudonyms, SourcePatientKey
from trialbridge.people.identifiers import tokens
from trialbridge.people.identity import Link, component, linked, links
from trialbridge.people.members import Member
from trialbridge.people.proof import merge_group, proves
from trialbridge.runtime.effects import Effects


class Network:
    """A `Directory` over the tables of the partition at hand; reads and writes only what a statement touches."""

    def __init__(self, network: NetworkId, effects: Effects, pseudonyms: Pseudonyms) -> None:
        """Look at ``network`` through the tables of ``effects``."""
        self._network = network
        self._pseudonyms = pseudonyms
        self._members = effects.table(MEMBERS)
        self._holders = effects.table(HOLDERS)
        self._slots: dict[str, str] = {}
        self._asked: dict[SourcePatientKey, Known | None] = {}
        self._held: dict[str, tuple[SourcePatientKey, ...]] = {}
        """What the tables say, with what was put into them since: one statement asks for the same many times."""

    def member(self, key: SourcePatientKey) -> Member | None:
        """Return a source patient."""
        known = self._look_up(key)
        return known.member if known else None

    def holders(self, name: str) -> Sequence[SourcePatientKey]:
        """Return the source patients that hold a strong identifier."""
        found = self._held.get(name)
        if found is None:
            found = self._held[name] = self._holders.get(self._slot(name)) or ()
        return found

    def known(self, key: SourcePatientKey) -> Known:
        """Return what is remembered of a source patient; nothing yet is a member without identifiers."""
        return self._look_up(key) or Known(Member(key))

    def _look_up(self, key: SourcePatientKey) -> Known | None:
        if key not in self._asked:
            self._asked[key] = self._members.get(key)
        return self._asked[key]

    def take(self, seen: DemographicsSeen) -> dict[SourcePatientKey, Known]:
        """Take a statement in; return everyone whose link it may have touched, now or when it first came, decided anew."""
        return self._welcome(seen) or self.relink(self.learn(seen))

    def _welcome(self, seen: DemographicsSeen) -> dict[SourcePatientKey, Known]:
        """Take in someone new whose identifiers nobody else holds, which says all; empty where anybody else must be asked."""
        if seen.merged_into or self._look_up(seen.key) is not None:
            return {}
        names = sorted(tokens(seen.identifiers))
        if any(self.holders(name) for name in names):
            return {}
        for name in names:
            self._hold(name, {seen.key})
        member = Member(seen.key, seen.identifiers, (), seen.source, seen.birth_date, seen.sex)
        link = links(self._network, {seen.key: member}, self._pseudonyms)[seen.key]
        known = Known(member, seen.seq, link, 1, (seen.key,))
        self._put(known)
        return {seen.key: known}

    def learn(self, seen: DemographicsSeen) -> set[SourcePatientKey]:
        """Take a statement in and return everyone whose link it may have touched, now or when it first came."""
        ends = {seen.key} | ({seen.merged_into} if seen.merged_into else set())
        names = self._names(ends) | tokens(seen.identifiers).keys()
        before = {name: proves(self, name) for name in names}
        touched = {*ends, *self.known(seen.key).touched, *self._reached(ends)}
        if seen.merged_into:
            self._tie(seen.key, seen.merged_into)
            self._tie(seen.merged_into, seen.key)
        elif seen.seq > self.known(seen.key).seq:
            self._describe(seen)
        # An identifier that comes to prove, or proves no more, ties or frees all who hold it.
        turned = {key for name in names if proves(self, name) != before[name] for key in self.holders(name)}
        touched |= self._reached(ends | turned)
        self._put(msgspec.structs.replace(self.known(seen.key), touched=tuple(sorted(touched))))
        return touched

    def relink(self, keys: set[SourcePatientKey]) -> dict[SourcePatientKey, Known]:
        """Decide the links of ``keys`` anew, note those that changed, and return all of them."""
        decided: dict[SourcePatientKey, Link] = {}
        for key in sorted(keys):
            if key not in decided:
                decided.update(linked(self._network, self, key, self._pseudonyms))
        for key, link in decided.items():
            known = self.known(key)
            if known.link != link:
                self._put(msgspec.structs.replace(known, link=link, link_seq=known.link_seq + 1))
        return {key: self.known(key) for key in sorted(decided)}

    def _names(self, keys: set[SourcePatientKey]) -> set[str]:
        """Return the identifiers of all who are merged with ``keys``."""
        merged = {other for key in keys for other in merge_group(self, key)}
        return {name for key in merged for name in tokens(self.known(key).member.identifiers)}

    def _reached(self, keys: set[SourcePatientKey]) -> set[SourcePatientKey]:
        found: set[SourcePatientKey] = set()
        for key in sorted(keys):
            if key not in found:
                found |= {key, *component(self, key)}
        return found

    def _describe(self, seen: DemographicsSeen) -> None:
        known = self.known(seen.key)
        old, new = tokens(known.member.identifiers), tokens(seen.identifiers)
        for name in sorted(old.keys() - new.keys()):
            self._hold(name, {*self.holders(name)} - {seen.key})
        for name in sorted(new.keys() - old.keys()):
            self._hold(name, {*self.holders(name), seen.key})
        member = msgspec.structs.replace(
            known.member,
            identifiers=seen.identifiers,
            source=seen.source,
            birth_date=seen.birth_date,
            sex=seen.sex,
        )
        self._put(msgspec.structs.replace(known, member=member, seq=seen.seq))

    def _tie(self, one: SourcePatientKey, other: SourcePatientKey) -> None:
        known = self.known(one)
        merges = tuple(sorted({*known.member.merges, other}))
        self._put(msgspec.structs.replace(known, member=msgspec.structs.replace(known.member, merges=merges)))

    def _put(self, known: Known) -> None:
        key = known.member.key
        if self._look_up(key) != known:
            self._members.put(key, known, self._network)
            self._asked[key] = known

    def _hold(self, name: str, keys: set[SourcePatientKey]) -> None:
        held = self._held[name] = tuple(sorted(keys))
        if held:
            self._holders.put(self._slot(name), held, self._network)
        else:
            self._holders.delete(self._slot(name))

    def _slot(self, name: str) -> str:
        """Return the table key of an identifier: a keyed hash, since keys are not sealed."""
        slot = self._slots.get(name)
        if slot is None:
            slot = self._slots[name] = self._pseudonyms.identifier(self._network, name)
        return slot
