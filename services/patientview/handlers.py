"""The use cases of patientview: records to facts, facts to persons, contributions to one view.

A repeat or an older version changes no table and re-sends what the tables imply: the crash may have come before the output.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec

from services.patientview.coding import Coder, Holders, recoded, tell_codes
from services.patientview.deliveries import contribution, take_in
from services.patientview.deliveries import identifiers as _named
from services.patientview.extraction import Extractor
from services.patientview.identity import Network
from services.patientview.tables import ACCEPTED, CONTRIBUTIONS, PERSONS, SOURCE_PATIENTS, Person, SourcePatient
from services.patientview.views import fold_person
from trialbridge.contracts.documents import PATIENTS
from trialbridge.contracts.events import (
    DemographicsSeen,
    FactsContributed,
    Identifier,
    PatientLinked,
    PatientRecoded,
    RecordsReceived,
)
from trialbridge.contracts.ids import Pseudonyms, SourceId, SourcePatientKey
from trialbridge.contracts.topics import PATIENT_CONTRIBUTIONS, PATIENT_DEMOGRAPHICS, PATIENT_LINKS, PATIENT_VIEWS
from trialbridge.runtime.effects import Effects, Origin, Received

_WARNED: Final = frozenset({"conflict", "held", "shared"})
"""Reasons of links that people should look at: the lineage counts them as ``identity.…``."""


@dataclass(frozen=True, slots=True)
class Handlers:
    """The stage's handlers over one extractor and one ranking of sources (1 the best)."""

    extractor: Extractor
    pseudonyms: Pseudonyms
    ranks: Mapping[SourceId, int] = field(default_factory=dict)
    holders: Holders = field(default_factory=Holders)

    async def accept_records(self, record: Received[RecordsReceived], effects: Effects) -> None:
        """Keep the newest version of each resource; tell identity and the person's view what changed."""
        payload = record.payload
        effects.name_origin(Origin(payload.ticket, payload.tenant, payload.record))
        table = effects.table(SOURCE_PATIENTS)
        before = table.get(payload.key)
        coder = Coder(self.pseudonyms, payload.network, payload.source, effects.table(ACCEPTED).get)
        after = take_in(before, payload, self.extractor, coder)
        repeat = after == before
        if before is None or not before.demographics_seq or _who(before) != _who(after):
            after = msgspec.structs.replace(after, demographics_seq=after.demographics_seq + 1)
        if not repeat:
            after = msgspec.structs.replace(after, seq=after.seq + 1)
            table.put(payload.key, after, payload.network)
        tell_codes(payload.key, before, after, effects, self.holders)
        if repeat or before is None or after.demographics_seq != before.demographics_seq:
            _tell_identity(payload, after, effects)
        _tell_merges(payload, effects, self.pseudonyms)
        _contribute(payload.key, after, effects)

    async def resolve_identity(self, record: Received[DemographicsSeen], effects: Effects) -> None:
        """Decide anew the links that a statement touches, as the only writer of this network."""
        seen = record.payload
        network = Network(seen.network, effects, self.pseudonyms)
        for key, known in network.take(seen).items():
            if known.link is None:
                continue
            for word in sorted({reason.partition(":")[0] for reason in known.link.reasons} & _WARNED):
                effects.warn(f"identity.{word}")
            link = PatientLinked(
                network=seen.network,
                key=key,
                patient=known.link.patient,
                seq=known.link_seq,
                reasons=known.link.reasons,
            )
            effects.emit(PATIENT_LINKS, key, link, seen.network)

    async def apply_link(self, record: Received[PatientLinked], effects: Effects) -> None:
        """Move the source patient's contribution to the person it belongs to, and take it out of those before."""
        link = record.payload
        table = effects.table(SOURCE_PATIENTS)
        patient = table.get(link.key) or SourcePatient(network=link.network)
        if link.seq > patient.link_seq:
            past = {*patient.past, *((patient.person,) if patient.person else ())} - {link.patient}
            moved = link.patient != patient.person
            patient = msgspec.structs.replace(
                patient,
                person=link.patient,
                link_seq=link.seq,
                past=tuple(sorted(past)),
                seq=patient.seq + 1 if moved else patient.seq,
            )
            table.put(link.key, patient, link.network)
        _contribute(link.key, patient, effects)

    async def recode_patient(self, record: Received[PatientRecoded], effects: Effects) -> None:
        """Extract a source patient's facts again with what its local codes mean now, and say what changed of them."""
        given = record.payload
        table = effects.table(SOURCE_PATIENTS)
        before = table.get(given.key)
        if before is None:
            return
        coder = Coder(self.pseudonyms, before.network, before.source, effects.table(ACCEPTED).get)
        after = recoded(before, self.extractor, coder)
        if after != before:
            after = msgspec.structs.replace(after, seq=after.seq + 1)
            table.put(given.key, after, before.network)
        if any(code.kind == "answer" for code in after.local_codes.values()):
            # What a question means says which of its answers nobody has decided yet.
            tell_codes(given.key, before, after, effects, self.holders)
        _contribute(given.key, after, effects)

    async def fold_view(self, record: Received[FactsContributed], effects: Effects) -> None:
        """Fold everything that contributes to the person into the view, and send its current version."""
        given = record.payload
        rows = effects.table(CONTRIBUTIONS)
        persons = effects.table(PERSONS)
        person = persons.get(given.patient) or Person()
        slot = f"{given.patient}/{given.key}"
        stored = rows.get(slot)
        if stored is None or stored.seq < given.seq:
            rows.put(slot, given, given.network)
            person = msgspec.structs.replace(person, keys=tuple(sorted({*person.keys, given.key})))
        held = [row for key in person.keys if (row := rows.get(f"{given.patient}/{key}")) is not None]
        person, view, document = fold_person(given.network, given.patient, person, held, self.ranks)
        if persons.get(given.patient) != person:
            persons.put(given.patient, person, given.network)
        if person.version:
            effects.emit(PATIENT_VIEWS, given.patient, view, given.network)
            effects.save(PATIENTS, document)


def _who(patient: SourcePatient) -> tuple[tuple[Identifier, ...], str, str]:
    """Return what identity asks of a source patient."""
    shown = patient.resource_identity.display
    return _named(patient), shown.birth_date, shown.sex


def _tell_identity(payload: RecordsReceived, patient: SourcePatient, effects: Effects) -> None:
    identifiers, birth_date, sex = _who(patient)
    seen = DemographicsSeen(
        network=payload.network,
        key=payload.key,
        source=payload.source,
        local_patient=payload.local_patient,
        seq=patient.demographics_seq,
        identifiers=identifiers,
        birth_date=birth_date,
        sex=sex,
    )
    effects.emit(PATIENT_DEMOGRAPHICS, payload.network, seen, payload.network)


def _tell_merges(payload: RecordsReceived, effects: Effects, pseudonyms: Pseudonyms) -> None:
    """Say who was merged into whom. A merge has no sequence: it holds whatever came before or after it."""
    for merge in payload.merges:
        seen = DemographicsSeen(
            network=payload.network,
            key=pseudonyms.source_patient(payload.network, payload.source, merge.retired),
            source=payload.source,
            local_patient=merge.retired,
            seq=0,
            merged_into=pseudonyms.source_patient(payload.network, payload.source, merge.survivor),
        )
        effects.emit(PATIENT_DEMOGRAPHICS, payload.network, seen, payload.network)


def _contribute(key: SourcePatientKey, patient: SourcePatient, effects: Effects) -> None:
    """Send what the source patient knows to its person, once it has one and has said anything, and take it out of those before.

    Both go out with every change and both under its number: what was sent before a crash and is not in the table any more may
    have reached an earlier person under the number of the removal, and the next change must outdo it there too.
    """
    if patient.person is not None and patient.source:
        given = contribution(key, patient, patient.person)
        effects.emit(PATIENT_CONTRIBUTIONS, patient.person, given, patient.network)
    for person in patient.past:
        gone = FactsContributed(
            network=patient.network,
            patient=person,
            key=key,
            tenant=patient.tenant,
            source=patient.source,
            seq=patient.seq,
            removed=True,
        )
        effects.emit(PATIENT_CONTRIBUTIONS, person, gone, patient.network)
