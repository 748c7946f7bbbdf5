"""What truly happened to each synthetic patient, before any source writes down its part of it."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import Literal

from trialbridge.testkit import codes
from trialbridge.testkit.diseases import ALL, Alteration, Disease
from trialbridge.testkit.persons import Person, draw_person

Quirk = Literal["none", "incomplete", "contradictory", "contradictory_sources", "no_ecog", "unwell"]


@dataclass(frozen=True, slots=True)
class LabResult:
    """One result; the value is text so that its digits stay."""

    test: codes.LabTest
    value: str
    on: date


@dataclass(frozen=True, slots=True)
class Treatment:
    """One treatment given: systemic drugs of a line, radiation or surgery."""

    kind: Literal["systemic", "radiation", "surgery"]
    drugs: tuple[str, ...]
    start: date
    end: date
    intent: Literal["curative", "palliative"]


@dataclass(frozen=True, slots=True)
class Report:
    """One genomic report: what was looked at and what was found."""

    panel: str
    genes: tuple[str, ...]
    on: date
    findings: tuple[Alteration, ...]
    fractions: tuple[str, ...]
    msi: Literal["high", "stable"] | None
    tmb: str | None
    """Mutations per megabase."""


@dataclass(frozen=True, slots=True)
class Markers:
    """Protein markers; None where not tested."""

    er: bool | None = None
    pr: bool | None = None
    her2: Literal["positive", "low", "negative"] | None = None
    pdl1: int | None = None
    """Tumour proportion score in percent."""


@dataclass(frozen=True, slots=True)
class History:
    """One patient's clinical truth."""

    person: Person
    disease: Disease
    diagnosed: date
    stage: str
    brain_metastases: bool
    ecog: int | None
    ecog_on: date
    labs: tuple[LabResult, ...]
    treatments: tuple[Treatment, ...]
    history_complete: bool
    consent: Literal["permit", "deny"] | None
    consent_on: date
    report: Report | None
    markers: Markers = field(default_factory=Markers)
    markers_on: date = date.min
    quirk: Quirk = "none"


def _chance(rng: Random, percent: int) -> bool:
    return rng.randrange(100) < percent


def _draw_labs(rng: Random, as_of: date, *, unwell: bool) -> tuple[LabResult, ...]:
    results = []
    bad = rng.choice(codes.LABS) if unwell else None
    for days in (rng.randint(60, 200), rng.randint(3, 24)):
        on = as_of - timedelta(days=days)
        for test in codes.LABS:
            low, high = test.unwell if test is bad else test.well
            raw = rng.randint(low, high)
            value = f"{raw / 10**test.digits:.{test.digits}f}"
            results.append(LabResult(test, value, on))
    return tuple(results)


def _draw_treatments(rng: Random, disease: Disease, diagnosed: date, as_of: date) -> tuple[Treatment, ...]:
    lines = rng.choices(range(len(disease.regimens) + 1), weights=(40, 35, 18, 7)[: len(disease.regimens) + 1])[0]
    free = (as_of - diagnosed).days
    treatments = []
    start = diagnosed + timedelta(days=min(21, free // 4))
    for drugs in disease.regimens[:lines]:
        days = max(20, free // (lines + 2))
        end = min(start + timedelta(days=days), as_of - timedelta(days=35))
        if end <= start:
            break
        treatments.append(Treatment("systemic", drugs, start, end, "palliative"))
        start = end + timedelta(days=14)
    if not disease.liquid and _chance(rng, 25):
        kind = rng.choice(("radiation", "surgery"))
        on = diagnosed + timedelta(days=10)
        treatments.append(Treatment("radiation" if kind == "radiation" else "surgery", (), on, on, "curative"))
    return tuple(treatments)


def draw_report(rng: Random, disease: Disease, on: date) -> Report:
    """Return a genomic report of a panel usual for ``disease``, made on ``on``."""
    name, genes = ("myeloid-10", codes.MYELOID_PANEL) if disease.liquid else rng.choice(_PANELS)
    found = tuple(
        finding for share, finding in disease.findings if _chance(rng, share) and {finding.gene} <= set(genes)
    )
    kras_or_braf = [f for f in found if f.gene in {"KRAS", "BRAF", "EGFR", "ALK", "NRAS", "FLT3"}]
    # Drivers exclude one another: keep the first.
    found = tuple(f for f in found if f not in kras_or_braf[1:])
    fractions = tuple(f"0.{rng.randint(8, 62):02d}" for _ in found)
    wide = name == "solid-24"
    msi: Literal["high", "stable"] | None = None
    if wide and disease.msi_high:
        msi = "high" if _chance(rng, disease.msi_high) else "stable"
    high = _chance(rng, 85 if msi == "high" else disease.tmb_high)
    tmb = f"{rng.randint(105, 420) / 10 if high else rng.randint(8, 92) / 10:.1f}" if wide else None
    return Report(name, genes, on, found, fractions, msi, tmb)


_PANELS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("solid-24", codes.SOLID_PANEL),
    ("solid-24", codes.SOLID_PANEL),
    ("hotspot-12", codes.HOTSPOT_PANEL),
)


def _draw_markers(rng: Random, disease: Disease) -> Markers:
    if disease.oncotree == "IDC":
        er = _chance(rng, 72)
        her2 = rng.choices(("positive", "low", "negative"), weights=(15, 45, 40))[0]
        return Markers(er, er and _chance(rng, 85), _her2(her2))
    if disease.oncotree in {"LUAD", "LUSC"} and _chance(rng, 75):
        return Markers(pdl1=rng.choice((0, 1, 5, 20, 50, 60, 80, 95)))
    return Markers()


def _her2(word: str) -> Literal["positive", "low", "negative"]:
    return "positive" if word == "positive" else "low" if word == "low" else "negative"


def draw_history(index: int, rng: Random, as_of: date) -> History:
    """Return the patient number ``index``; all dates lie before ``as_of``."""
    disease = rng.choices(ALL, weights=[each.weight for each in ALL])[0]
    person = draw_person(index, rng, disease, as_of)
    diagnosed = as_of - timedelta(days=rng.randint(70, 1500))
    quirk: Quirk = rng.choices(
        ("none", "incomplete", "contradictory", "contradictory_sources", "no_ecog", "unwell"),
        weights=(74, 7, 4, 3, 5, 7),
    )[0]
    stage = rng.choice(disease.stages) if disease.stages else ""
    ecog: int | None = rng.choices((0, 1, 2, 3), weights=(34, 42, 16, 8))[0]
    if quirk in {"incomplete", "no_ecog"}:
        ecog = None
    elif quirk == "contradictory_sources":
        # Two sources disagree about such a patient, in whatever order they arrive: never let it decide an approval.
        ecog = 4
    sequenced = _chance(rng, 76) and quirk != "incomplete"
    return History(
        person,
        disease,
        diagnosed,
        stage,
        stage.startswith("IV") and not disease.liquid and _chance(rng, 14),
        ecog,
        as_of - timedelta(days=rng.randint(2, 25)),
        () if quirk == "incomplete" else _draw_labs(rng, as_of, unwell=quirk == "unwell"),
        _draw_treatments(rng, disease, diagnosed, as_of),
        _chance(rng, 70),
        _draw_consent(rng),
        as_of - timedelta(days=rng.randint(26, 60)),
        draw_report(rng, disease, as_of - timedelta(days=rng.randint(20, 60))) if sequenced else None,
        _draw_markers(rng, disease),
        diagnosed + timedelta(days=7),
        quirk,
    )


def _draw_consent(rng: Random) -> Literal["permit", "deny"] | None:
    draw = rng.randrange(100)
    return "permit" if draw < 74 else "deny" if draw < 84 else None  # noqa: PLR2004 - shares in percent
