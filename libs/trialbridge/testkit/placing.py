"""Decides which source writes down which part of a patient's history, and writes it in that source's format.

Facts that change with time or that contradict each other come from one source per patient, so that a view which lacks
some deliveries is never eligible where the whole view is not: approvals do not depend on the order of arrival.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import Literal

from trialbridge.testkit import fhir_clinical as fhir
from trialbridge.testkit import v2_messages as v2
from trialbridge.testkit.fhir_clinical import Json
from trialbridge.testkit.fhir_genomics import genomic_report, marker, markers
from trialbridge.testkit.histories import History
from trialbridge.testkit.places import COUNTY, FHIR_PRACTICES, GENOME, HARBOR, HILL, NORTH, RIVER, Source

Part = Literal["cancer", "care", "labs", "report", "consent", "status"]
"""care: treatments, comorbidity, brain metastases; status: stage, ECOG and markers."""
Wave = Literal["initial", "update"]


@dataclass(frozen=True, slots=True)
class Delivery:
    """What one source sends about one patient in one wave: FHIR resources or HL7 v2 messages, never both."""

    index: int
    """The patient's number in the world."""
    source: Source
    local: str
    wave: Wave
    resources: tuple[Json, ...] = ()
    messages: tuple[str, ...] = ()


@dataclass(slots=True)
class Plan:
    """The parts each source writes, in the order of the sources."""

    home: Source
    parts: dict[str, set[Part]] = field(default_factory=dict)
    sources: dict[str, Source] = field(default_factory=dict)

    def give(self, source: Source, *parts: Part) -> None:
        """Let ``source`` write ``parts`` (and the patient's demographics, always)."""
        self.sources[source.id] = source
        self.parts.setdefault(source.id, set()).update(parts)


def plan(history: History, rng: Random, *, several: bool) -> Plan:
    """Return who writes what; ``several`` asks for more than one source."""
    home = rng.choices((NORTH, RIVER, HARBOR, HILL), weights=(30, 28, 24, 18))[0]
    made = Plan(home)
    other = rng.choice([each for each in FHIR_PRACTICES if each is not home])
    if home is HILL:
        made.give(HILL, "cancer", "status", "labs")
        if several:
            made.give(other, "cancer", "care", "consent")
            made.give(GENOME if history.report and rng.random() < 0.5 else other, *_reported(history))  # noqa: PLR2004
        return made
    made.give(home, "cancer", "care", "status", "consent")
    if not several:
        made.give(home, "labs", *_reported(history))
        return made
    with_genome = history.report is not None and rng.random() < 0.7  # noqa: PLR2004 - a share
    extra = rng.choice(("county", "other", "none") if with_genome else ("county", "county", "other"))
    made.give(GENOME if with_genome else home, *_reported(history))
    if extra == "other":
        made.give(other, "cancer")
    made.give(COUNTY if extra == "county" else home, "labs")
    return made


def _reported(history: History) -> tuple[Part, ...]:
    return ("report",) if history.report else ()


def local_number(history: History, source: Source) -> str:
    """Return the patient's record number at ``source``."""
    planted = (each for each in history.person.mrn if each.startswith(source.prefix))
    return next(planted, f"{source.prefix}{100000 + history.person.index * 7}")


def write(history: History, made: Plan, source: Source, wave: Wave = "initial") -> Delivery:
    """Return what ``source`` sends of ``history`` under the plan."""
    local = local_number(history, source)
    index = history.person.index
    parts = made.parts[source.id]
    birth = history.person.birth
    if history.quirk == "contradictory_sources" and source is not made.home:
        birth += timedelta(days=3653)
    if source.format == "hl7v2":
        return Delivery(index, source, local, wave, messages=tuple(_messages(history, source, local, parts, birth)))
    return Delivery(index, source, local, wave, resources=tuple(_resources(history, source, local, parts, birth)))


def _resources(history: History, source: Source, local: str, parts: set[Part], birth: date) -> list[Json]:
    found = [fhir.patient(history.person, source, local, history.diagnosed, birth=birth)]
    if "cancer" in parts:
        found.append(fhir.cancer(history.disease, source, local, history.diagnosed, history.diagnosed))
    if "care" in parts:
        found += _care(history, source, local)
    if "status" in parts:
        found += _status(history, source, local)
    if "labs" in parts:
        found += [fhir.laboratory(each, source, local) for each in history.labs]
    if "report" in parts and history.report:
        found += genomic_report(history.report, source, local)
    if "consent" in parts and history.consent:
        found.append(fhir.consent(history.consent, source, local, history.consent_on))
    return found


def _care(history: History, source: Source, local: str) -> list[Json]:
    given: list[Json] = []
    for number, each in enumerate(history.treatments, 1):
        given += fhir.treatment(each, number, source, local)
    found = list(given)
    if history.history_complete:
        found.append(fhir.complete_history(given, source, local, history.ecog_on))
    if history.brain_metastases:
        found.append(fhir.brain_metastasis(source, local, history.diagnosed + timedelta(days=30)))
    if history.person.index % 4 == 0:
        found.append(fhir.comorbidity(source, local, history.diagnosed))
    return found


def _status(history: History, source: Source, local: str) -> list[Json]:
    found: list[Json] = []
    if history.stage and history.quirk != "incomplete":
        found.append(fhir.stage_group(history.stage, source, local, history.markers_on))
    if history.ecog is not None:
        found.append(fhir.ecog(history.ecog, source, local, history.ecog_on))
    found += markers(history.markers, source, local, history.markers_on)
    if history.quirk == "contradictory":
        found += _contradiction(history, source, local)
    return found


def _contradiction(history: History, source: Source, local: str) -> list[Json]:
    if history.markers.her2 is not None:
        answer = "negative" if history.markers.her2 != "negative" else "positive"
        return [marker("48676-1", "HER2", answer, source, local, history.markers_on, tag="-second")]
    if history.stage:
        other = "I" if history.stage.startswith("IV") else "IV"
        return [fhir.stage_group(other, source, local, history.markers_on, name="stage-second")]
    return []


def _messages(history: History, source: Source, local: str, parts: set[Part], birth: date) -> list[str]:
    person = history.person
    first = v2.admit(person, source, local, history.diagnosed, history.disease, history.diagnosed, birth=birth)
    sent = [first]
    if "status" in parts:
        rows: list[v2.Obx] = []
        if history.stage and history.quirk != "incomplete":
            rows.append(v2.stage_row(history.stage, history.markers_on))
        rows += v2.marker_rows(history.markers, history.markers_on)
        if rows:
            sent.append(v2.results(person, source, local, history.markers_on, "PATH", rows))
        if history.ecog is not None:
            row = v2.ecog_row(history.ecog, history.ecog_on)
            sent.append(v2.results(person, source, local, history.ecog_on, "ECOG", [row]))
    if "labs" in parts:
        sent += _lab_messages(history, source, local)
    return sent


def _lab_messages(history: History, source: Source, local: str) -> Sequence[str]:
    days = sorted({each.on for each in history.labs})
    return [
        v2.results(
            history.person, source, local, on, "CHEM", v2.lab_rows(each for each in history.labs if each.on == on)
        )
        for on in days
    ]
