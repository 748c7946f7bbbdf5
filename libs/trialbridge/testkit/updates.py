"""The second wave: corrections and news, at most one for each patient."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from random import Random

from trialbridge.testkit import fhir_clinical as fhir
from trialbridge.testkit import v2_messages as v2
from trialbridge.testkit.fhir_genomics import genomic_report
from trialbridge.testkit.histories import History, draw_report
from trialbridge.testkit.places import GENOME, Source
from trialbridge.testkit.placing import Delivery, Plan, local_number

Known = tuple[History, Plan]


def held_back(history: History, made: Plan) -> bool:
    """Return whether the genomic report comes first and the clinical record only with the second wave."""
    return set(made.parts) == {made.home.id, GENOME.id} and history.person.index % 6 == 5  # noqa: PLR2004


def draw_updates(known: list[Known], rng: Random, as_of: date) -> list[Delivery]:
    """Return the second wave's deliveries for patients of the first, each patient once, in the order of the patients."""
    yesterday = as_of - timedelta(days=1)
    taken: set[int] = set()
    found: list[Delivery] = []
    for wanted, suits, make in _KINDS:
        fitting = [each for each in known if suits(*each) and each[0].person.index not in taken]
        for history, made in sorted(
            rng.sample(fitting, min(wanted, len(fitting))), key=lambda each: each[0].person.index
        ):
            taken.add(history.person.index)
            found.append(make(history, made, rng, yesterday))
    return sorted(found, key=lambda each: each.index)


def _writer(made: Plan, part: str) -> Source | None:
    return next((made.sources[name] for name, parts in made.parts.items() if part in parts), None)


def _send(history: History, source: Source, resources: list[fhir.Json]) -> Delivery:
    local = local_number(history, source)
    patient = fhir.patient(history.person, source, local, history.diagnosed)
    return Delivery(history.person.index, source, local, "update", resources=(patient, *resources))


def _ecog(score: int) -> Callable[[History, Plan, Random, date], Delivery]:
    def make(history: History, made: Plan, _rng: Random, on: date) -> Delivery:
        source = _writer(made, "status") or made.home
        local = local_number(history, source)
        if source.format == "fhir":
            return _send(history, source, [fhir.ecog(score, source, local, on)])
        sent = v2.results(history.person, source, local, on, "ECOG", [v2.ecog_row(score, on)])
        changed = v2.admit(history.person, source, local, on, history.disease, history.diagnosed, event="A08")
        return Delivery(history.person.index, source, local, "update", messages=(changed, sent))

    return make


def _revoked(history: History, made: Plan, _rng: Random, on: date) -> Delivery:
    source = _writer(made, "consent") or made.home
    changed = fhir.consent("deny", source, local_number(history, source), on)
    changed["meta"]["versionId"] = "2"
    return _send(history, source, [changed])


def _sequenced(history: History, _made: Plan, rng: Random, on: date) -> Delivery:
    report = draw_report(rng, history.disease, on)
    return _send(history, GENOME, genomic_report(report, GENOME, local_number(history, GENOME)))


def _recovered(history: History, made: Plan, _rng: Random, on: date) -> Delivery:
    """Send normal values for every test."""
    source = _writer(made, "labs") or made.home
    local = local_number(history, source)
    newest = max(each.on for each in history.labs)
    labs = [
        replace(each, on=on, value=f"{sum(each.test.well) / 2 / 10**each.test.digits:.{each.test.digits}f}")
        for each in history.labs
        if each.on == newest
    ]
    if source.format == "fhir":
        return _send(history, source, [fhir.laboratory(each, source, local) for each in labs])
    sent = v2.results(history.person, source, local, on, "CHEM", v2.lab_rows(labs))
    return Delivery(history.person.index, source, local, "update", messages=(sent,))


def _well(history: History, _made: Plan) -> bool:
    return history.ecog in {0, 1} and history.consent == "permit" and history.report is not None


def _frail(history: History, _made: Plan) -> bool:
    return history.ecog == 3 and history.quirk == "none"  # noqa: PLR2004 - an ECOG score


def _consented(history: History, made: Plan) -> bool:
    return _well(history, made) and _writer(made, "consent") is not None


def _never_sequenced(history: History, _made: Plan) -> bool:
    return history.report is None and history.ecog in {0, 1}


def _unwell(history: History, _made: Plan) -> bool:
    return history.quirk == "unwell" and bool(history.labs)


_Make = Callable[[History, Plan, Random, date], Delivery]
_KINDS: tuple[tuple[int, Callable[[History, Plan], bool], _Make], ...] = (
    (10, _well, _ecog(3)),
    (3, _frail, _ecog(1)),
    (8, _consented, _revoked),
    (12, _never_sequenced, _sequenced),
    (4, _unwell, _recovered),
)


def touched(deliveries: list[Delivery]) -> Iterator[int]:
    """Yield the number of each patient that the second wave touches."""
    return (each.index for each in deliveries if each.wave == "update")
