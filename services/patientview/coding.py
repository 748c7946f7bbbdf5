"""Codes of feeds' own: records are read with what people accepted of them, and read again when that changes."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

import msgspec

from services.patientview.extraction import Extractor, Resource
from services.patientview.tables import ACCEPTED, CODED_PATIENTS, Accepted, Kept, SourcePatient
from trialbridge.contracts.events import CodeMapped, LocalCodeHeld, LocalCodesSeen, PatientRecoded
from trialbridge.contracts.ids import NetworkId, Pseudonyms, RecordId, SourceId, SourcePatientKey, feed_id
from trialbridge.contracts.topics import LOCAL_CODES_SEEN, PATIENT_RECODINGS
from trialbridge.criteria.facts import AnyFact
from trialbridge.emr.facts.read import reference
from trialbridge.emr.jsontext import encode
from trialbridge.emr.localcodes.applying import Coded, Meaning, coded, named
from trialbridge.emr.localcodes.codes import LocalCode, Target
from trialbridge.emr.localcodes.finding import local_codes
from trialbridge.runtime.effects import Effects, Received

_RESOURCE: Final = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)
_BREATH: Final = 256
"""Patients between two moments in which other partitions may work."""


@lru_cache(maxsize=65536)
def code_id(pseudonyms: Pseudonyms, network: NetworkId, source: SourceId, identity: tuple[str, ...]) -> str:
    """Return the id of a feed's local code."""
    return pseudonyms.local_code(network, source, identity)


@dataclass(frozen=True, slots=True)
class Coder:
    """Reads one feed's records with what is accepted of its codes, out of the tables at hand."""

    pseudonyms: Pseudonyms
    network: NetworkId
    source: SourceId
    accepted: Callable[[str], Accepted | None]
    """What is accepted of a code, by the code's id."""
    _held: dict[int, tuple[LocalCode, ...]] = field(default_factory=dict)
    """Local codes of the resources at hand, by object: most resources have none, and are asked once."""

    def facts(
        self, resources: Sequence[Resource], extractor: Extractor, record: RecordId
    ) -> Mapping[str, tuple[AnyFact, ...]]:
        """Return the facts by FHIR reference; those that rest on accepted codes name the versions of the feed's table."""
        self._held.update((id(one), codes) for one in resources if (codes := local_codes(one)))
        made = [coded(one, self._meaning) if id(one) in self._held else Coded(one) for one in resources]
        for one, after in zip(resources, made, strict=True):
            if after.answers:
                self._held[id(one)] = tuple(dict.fromkeys((*self._held[id(one)], *after.answers)))
        found = extractor.facts_of([one.resource for one in made], self.source, record)
        versions = {reference(one.resource): one.versions for one in made}
        return {ref: named(facts, versions.get(ref, ())) for ref, facts in found.items()}

    def keep(self, kept: Kept, resource: Resource, local: dict[str, LocalCode]) -> Kept:
        """Return ``kept`` with the resource's local codes, and the resource where it has any; ``local`` learns what they are."""
        held = {self._id(code): code for code in self._held.get(id(resource), ())}
        if not held:
            return kept
        for name, code in held.items():
            local[name] = min(local.get(name, code), code)
        return msgspec.structs.replace(kept, codes=tuple(held), resource=encode(resource).decode())

    def _id(self, code: LocalCode) -> str:
        return code_id(self.pseudonyms, self.network, self.source, code.identity)

    def _meaning(self, code: LocalCode) -> Meaning | None:
        accepted = self.accepted(self._id(code))
        return Meaning(accepted.target, accepted.since) if accepted and accepted.target else None


def recoded(patient: SourcePatient, extractor: Extractor, coder: Coder) -> SourcePatient:
    """Return the source patient with the facts of its coded resources extracted anew; equal where nothing changed."""
    kept, local = dict(patient.resources), dict(patient.local_codes)
    for ref, one in patient.resources.items():
        if one.resource:
            resource = _RESOURCE.decode(one.resource)
            found = coder.facts([resource], extractor, one.stamp.record)
            kept[ref] = coder.keep(Kept(one.stamp, found.get(ref, ())), resource, local)
    return msgspec.structs.replace(patient, resources=kept, local_codes=local)


@dataclass(frozen=True, slots=True)
class Holders:
    """Whose records hold which local code, by partition: worked out of a table, and no less than what it says."""

    _known: dict[int, dict[str, set[str]]] = field(default_factory=dict)

    def forget(self, partition: int) -> None:
        """Drop what was worked out for a partition that goes elsewhere."""
        self._known.pop(partition, None)

    def note(self, key: SourcePatientKey, codes: set[str], effects: Effects, network: NetworkId) -> None:
        """Remember that a source patient's records hold these codes."""
        table = effects.table(CODED_PATIENTS)
        before = table.get(key) or ()
        if codes <= set(before):
            return
        table.put(key, tuple(sorted({*before, *codes})), network)
        known = self._known.get(effects.partition)
        if known is not None:
            for code in codes:
                known.setdefault(code, set()).add(key)

    def of(self, code: str, effects: Effects) -> list[SourcePatientKey]:
        """Return the source patients of the partition at hand whose records may hold the code, sorted."""
        known = self._known.get(effects.partition)
        if known is None:
            known = self._known[effects.partition] = {}
            for key, codes in effects.table(CODED_PATIENTS).items():
                for one in codes:
                    known.setdefault(one, set()).add(key)
        return [SourcePatientKey(key) for key in sorted(known.get(code, ()))]

    async def take_mapping(self, record: Received[CodeMapped], effects: Effects) -> None:
        """Remember what a local code means from now on, and have those looked at again whose records hold it."""
        given = record.payload
        table = effects.table(ACCEPTED)
        known = table.get(given.code)
        if known is None or known.version < given.version:
            target = Target(given.system, given.value, given.display) if given.system else None
            table.put(given.code, Accepted(given.version, given.since, target), given.network)
        for count, key in enumerate(self.of(given.code, effects)):
            effects.emit(PATIENT_RECODINGS, key, PatientRecoded(network=given.network, key=key), given.network)
            if count % _BREATH == _BREATH - 1:
                await asyncio.sleep(0)


def tell_codes(
    key: SourcePatientKey, before: SourcePatient | None, after: SourcePatient, effects: Effects, holders: Holders
) -> None:
    """Tell the feed's counter which local codes the records hold now: where that changed, and again on a repeat."""
    if not after.local_codes:
        return
    now, then = _counts(after), _counts(before)
    repeat = before is not None and before.seq == after.seq
    if now == then and not repeat:
        return
    holders.note(key, set(now), effects, after.network)
    held = tuple(_held(name, after.local_codes[name], count) for name, count in sorted(now.items()))
    seen = LocalCodesSeen(
        network=after.network, tenant=after.tenant, source=after.source, key=key, seq=after.seq, codes=held
    )
    effects.emit(LOCAL_CODES_SEEN, feed_id(after.network, after.source), seen, after.network)


def _counts(patient: SourcePatient | None) -> Counter[str]:
    return Counter(code for kept in patient.resources.values() for code in kept.codes) if patient else Counter()


def _held(name: str, code: LocalCode, count: int) -> LocalCodeHeld:
    return LocalCodeHeld(
        code=name,
        kind=code.kind,
        count=count,
        system=code.system,
        value=code.code,
        display=code.display,
        unit=code.unit,
    )
