"""From what contributes to a person to the view that travels and the document that is kept."""

from collections.abc import Mapping, Sequence

import msgspec

from services.patientview.tables import Person
from trialbridge.contracts.documents import PatientDoc
from trialbridge.contracts.events import Display, FactsContributed, PatientViewChanged
from trialbridge.contracts.ids import NetworkId, PatientId, SourceId, digest
from trialbridge.criteria.facts import AnyFact
from trialbridge.people.fold import Contribution, View, digests_by_kind, fold

_FACTS = msgspec.json.Decoder(tuple[AnyFact, ...])
_DISPLAY = msgspec.json.Decoder(Display)


def fold_person(
    network: NetworkId,
    patient: PatientId,
    before: Person,
    held: Sequence[FactsContributed],
    ranks: Mapping[SourceId, int],
) -> tuple[Person, PatientViewChanged, PatientDoc]:
    """Return the person after folding ``held``, with the view and the document that say so.

    The version grows by one where anything that the view says differs from what was last sent; a person to whom nothing
    contributes any more gets a tombstone, unless nothing was ever sent.
    """
    live = {given.key: _decoded(given) for given in held if not given.removed}
    view = fold(live, ranks)
    said = (bool(live), view.digest, view.display, view.tenants, view.sources, view.records, view.survivors)
    content = digest(msgspec.json.encode(said))
    person = before
    if content != before.content and (live or before.version):
        kinds: dict[str, str] = dict(digests_by_kind(view.facts, view.each))
        changed = {kind for kind in {*kinds, *before.kinds} if kinds.get(kind) != before.kinds.get(kind)}
        person = msgspec.structs.replace(
            before,
            version=before.version + 1,
            content=content,
            kinds=kinds,
            changed=tuple(sorted(changed)),
        )
    sent = _view(network, patient, person, view, removed=not live)
    return person, sent, _document(sent, view)


def _decoded(given: FactsContributed) -> Contribution:
    return Contribution(
        tenant=given.tenant,
        source=given.source,
        facts=_FACTS.decode(given.facts),
        display=_DISPLAY.decode(given.display),
        records=given.records,
        as_of=given.as_of,
    )


def _view(network: NetworkId, patient: PatientId, person: Person, view: View, *, removed: bool) -> PatientViewChanged:
    return PatientViewChanged(
        network=network,
        patient=patient,
        version=person.version,
        digest=view.digest,
        tenants=view.tenants,
        facts=msgspec.Raw(view.raw),
        changed=person.changed,
        display=msgspec.Raw(msgspec.json.encode(view.display)),
        sources=view.sources,
        records=view.records,
        removed=removed,
    )


def _document(said: PatientViewChanged, view: View) -> PatientDoc:
    return PatientDoc(
        id=said.patient,
        version=said.version,
        network=said.network,
        tenants=said.tenants,
        digest=said.digest,
        display=said.display,
        facts=said.facts,
        survivors=msgspec.Raw(msgspec.json.encode(view.survivors)),
        sources=said.sources,
        records=said.records,
        removed=said.removed,
    )
