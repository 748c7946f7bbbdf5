"""Patients, trials and days for the matcher's tests, and a matcher in memory that remembers what it said."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

import msgspec

from services.matcher.agents import handlers
from services.matcher.handlers import Handlers
from trialbridge.contracts.events import DayBegan, MatchChanged, PatientViewChanged, TrialPublished
from trialbridge.contracts.ids import NetworkId, PatientId, TenantId, TrialId, digest
from trialbridge.contracts.topics import CALENDAR_DAYS, PATIENT_VIEWS, TRIAL_CRITERIA, TRIAL_MATCHES
from trialbridge.criteria.compiler import compile_text
from trialbridge.criteria.facts import (
    AnyFact,
    Coding,
    Consent,
    Coverage,
    Demographics,
    Diagnosis,
    Evidence,
    Performance,
    Variant,
)
from trialbridge.people.fold import canonical, digests_by_kind
from trialbridge.testkit.stage import Emitted, FakeStage, State

NORTH = NetworkId("north")
ONCOTREE = "http://oncotree.mskcc.org"


def seen(name: str) -> Evidence:
    """Return evidence that came with the delivery ``rec_<name>``."""
    return Evidence(resource=f"Observation/{name}", source="north/ehr", record=f"rec_{name}")


def born(day: str) -> AnyFact:
    return Demographics(evidence=seen("birth"), birth_date=day)


def cancer(code: str) -> AnyFact:
    return Diagnosis(evidence=seen("cancer"), effective="2025-01-01", codes=(Coding(ONCOTREE, code),))


def ecog(value: int, on: str = "2026-05-01") -> AnyFact:
    return Performance(evidence=seen(f"ecog-{on}"), effective=on, scale="ecog", value=value)


def kras(change: str = "p.G12C") -> AnyFact:
    return Variant(evidence=seen("variant"), effective="2025-02-01", gene="KRAS", protein_change=change)


def covered() -> AnyFact:
    return Coverage(evidence=seen("panel"), effective="2025-02-01", genes=("KRAS",))


def consent(decision: str, on: str = "2025-03-01", end: str | None = None) -> AnyFact:
    return msgspec.convert(
        {"evidence": msgspec.to_builtins(seen("consent")), "effective": on, "decision": decision, "period_end": end}
        | {"kind": "consent"},
        Consent,
    )


WELL = (born("1960-01-01"), cancer("LUAD"), ecog(1), kras(), covered(), consent("permit"))
"""Eligible for `LUNG`."""

LUNG = """
id: LUNG
title: KRAS in lung
lab: lab
criteria:
  all:
    - age: {min: 18}
    - diagnosis: {oncotree: [NSCLC]}
    - variant: {gene: KRAS, protein_change: p.G12C}
    - performance: {scale: ecog, max: 1}
"""
ARMS = """
id: ARMS
title: Two arms
lab: lab
criteria: {age: {min: 18}}
arms:
  - {code: A, criteria: {performance: {scale: ecog, max: 1}}}
  - code: B
    criteria: {diagnosis: {oncotree: [NSCLC]}}
    dose_levels:
      - {code: DL1}
      - {code: DL2, status: suspended}
"""
AGED = """
id: AGED
title: Of age
lab: lab
criteria: {age: {min: 67}}
"""
RECENT = """
id: RECENT
title: Recently seen
lab: lab
criteria:
  all:
    - age: {min: 18}
    - performance: {scale: ecog, max: 2, within: {days: 40}}
"""


def trial(text: str = LUNG, version: int = 1, **changes: Any) -> TrialPublished:
    """Return a trial as the trial feed would publish it."""
    compiled = compile_text(text)
    assert compiled.trial is not None, compiled.diagnostics
    found = compiled.trial
    published = TrialPublished(
        trial=TrialId(found.id),
        version=version,
        digest=digest(compiled.definition),
        lab=TenantId(found.lab),
        title=found.title,
        status=found.status,
        definition=msgspec.Raw(compiled.definition),
    )
    return msgspec.structs.replace(published, **changes)


def view(
    facts: Iterable[AnyFact] = WELL, version: int = 1, patient: str = "pat_1", changed: Iterable[str] = (),
    tenants: tuple[str, ...] = ("clinic",), *, removed: bool = False,
) -> PatientViewChanged:  # fmt: skip
    """Return a view as patientview would send it."""
    raw = b"[" + b",".join(canonical(facts)) + b"]"
    return PatientViewChanged(
        network=NORTH,
        patient=PatientId(patient),
        version=version,
        digest=digest(raw),
        tenants=tuple(TenantId(one) for one in tenants),
        facts=msgspec.Raw(raw),
        changed=tuple(sorted(changed)),
        removed=removed,
    )


def versions(patient: str, *contents: tuple[AnyFact, ...]) -> list[PatientViewChanged]:
    """Return successive versions of a patient's view, with the kinds that changed from one to the next."""
    views: list[PatientViewChanged] = []
    before: dict[str, str] = {}
    for number, facts in enumerate(contents, 1):
        kinds: dict[str, str] = dict(digests_by_kind(tuple(canonical(facts).values())))
        changed = {kind for kind in {*kinds, *before} if kinds.get(kind) != before.get(kind)}
        views.append(view(facts, number, patient, changed))
        before = kinds
    return views


def day(text: str = "2026-06-01") -> DayBegan:
    return DayBegan(date=text)


def later(days: int) -> DayBegan:
    return day((date(2026, 6, 1) + timedelta(days=days)).isoformat())


class Matcher:
    """A matcher over `FakeStage`."""

    def __init__(self, state: State | None = None, partitions: int = 2) -> None:
        self.own = Handlers()
        self.stage = FakeStage(handlers(self.own), partitions, state)

    def restarted(self) -> "Matcher":
        """Return a new worker that has the tables alone."""
        return Matcher(self.stage.state, self.stage.partitions)

    async def say(self, *given: PatientViewChanged | TrialPublished | DayBegan) -> "Matcher":
        for one in given:
            if isinstance(one, PatientViewChanged):
                await self.stage.deliver(PATIENT_VIEWS, one.patient, one, one.network)
            elif isinstance(one, TrialPublished):
                await self.stage.deliver(TRIAL_CRITERIA, one.trial, one, NetworkId(""))
            else:
                await self.stage.deliver(CALENDAR_DAYS, "day", one, NetworkId(""))
        return self

    @property
    def emitted(self) -> list[Emitted[MatchChanged]]:
        return self.stage.emitted(TRIAL_MATCHES)

    def heard(self) -> list[MatchChanged]:
        """Return what was said since the last time, and forget it."""
        return [record.payload for record in self.stage.take(TRIAL_MATCHES)]

    def newest(self) -> dict[tuple[str, str, str | None, str | None], MatchChanged]:
        """Return the newest of each match by patient, trial, arm and dose."""
        found: dict[tuple[str, str, str | None, str | None], MatchChanged] = {}
        for record in self.emitted:
            said = record.payload
            spot = (said.patient, said.trial, said.arm, said.dose)
            if spot not in found or found[spot].seq <= said.seq:
                found[spot] = said
        return found

    def live(self) -> dict[str, tuple[str, str, str, tuple[TenantId, ...]]]:
        """Return what may not depend on the order: the live matches, and what they say."""
        return {
            one.match: (one.outcome, one.explanation_digest, one.consent, one.tenants)
            for one in self.newest().values()
            if one.event != "withdrawn"
        }
