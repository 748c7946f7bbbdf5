"""A seeded load for the engine that looks like oncology: patients as facts, and trials as people write them.

How it is made. Patients: three in four have one of the world's twelve common cancers by their shares, the others a rare type;
30 in 100 were never sequenced, half of the others by a panel of 50 genes, half by one of all genes; the findings of a cancer
come by its shares, others by a skewed draw (few genes often, many rarely). Labs, performance, treatments and comorbidities are
missing as often as they are in practice. Trials: five to forty criteria in one to three arms; 85 in 100 name diagnoses (by the
same shares), two in three a biomarker, nearly all an age and a performance status; lab bounds come from the usual few.
"""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any, Final

import msgspec

from trialbridge.criteria import facts as f
from trialbridge.criteria.terminology import genes, oncotree
from trialbridge.testkit import diseases
from trialbridge.testkit.diseases import Alteration, Disease

TODAY: Final = date(2026, 6, 1)
NEVER_SEQUENCED: Final = 0.3
ONCOTREE: Final = "http://oncotree.mskcc.org"
BIOMARKERS: Final = (
    "KRAS", "EGFR", "BRAF", "PIK3CA", "ERBB2", "ALK", "BRCA2", "BRCA1", "MET", "RET", "ROS1", "FGFR2", "FGFR3", "IDH1",
    "IDH2", "FLT3", "NRAS", "ATM", "PALB2", "NTRK1", "NTRK3", "KIT", "PTEN", "AKT1", "ESR1", "CDK12", "MAP2K1", "NF1",
)  # fmt: skip
"""Genes that trials ask for, the most frequent first."""
LABS: Final = (
    ("absolute neutrophil count", "751-8", "10*3/uL", ("1.0", "1.5"), (0.4, 9.0)),
    ("platelet count", "777-3", "10*3/uL", ("75", "100"), (30, 450)),
    ("hemoglobin", "718-7", "g/dL", ("8", "9", "10"), (6.5, 16.5)),
    ("creatinine clearance", "2164-2", "mL/min", ("30", "50", "60"), (15, 130)),
    ("albumin", "1751-7", "g/dL", ("2.5", "3.0"), (1.8, 5.0)),
)
CEILINGS: Final = (
    ("total bilirubin", "1975-2", "mg/dL", ("1.5",), (0.2, 4.0), "1.2"),
    ("aspartate aminotransferase", "1920-8", "U/L", ("2.5", "3"), (8, 220), "40"),
    ("alanine aminotransferase", "1742-6", "U/L", ("2.5", "3"), (8, 220), "40"),
    ("creatinine", "2160-0", "mg/dL", ("1.5",), (0.4, 3.0), "1.2"),
)
COMORBIDITIES: Final = (
    ("hypertension", "I10"), ("diabetes mellitus", "E11.9"), ("autoimmune disease", "M06.9"), ("hiv infection", "B20"),
    ("hepatitis b", "B18.1"), ("interstitial lung disease", "J84.9"), ("congestive heart failure", "I50.9"),
    ("stroke", "I63.9"), ("organ transplant", "Z94.0"), ("tuberculosis", "A15.0"), ("myocardial infarction", "I21.9"),
)  # fmt: skip
CLASSES: Final = (
    "checkpoint inhibitor", "platinum", "taxane", "egfr inhibitor", "kras inhibitor", "tyrosine kinase inhibitor",
    "cdk4/6 inhibitor", "antibody-drug conjugate", "anthracycline", "vegf inhibitor",
)  # fmt: skip
_CHANGES: Final = (
    "p.G12C",
    "p.G12D",
    "p.G12V",
    "p.Q61R",
    "p.V600E",
    "p.L858R",
    "p.H1047R",
    "p.E545K",
    "p.R132H",
    "p.E17K",
)
_NOTHING: Final = f.Evidence(resource="")


def skewed(rng: Random, items: Sequence[Any]) -> Any:
    """Return an item of which the first are drawn far more often than the last."""
    return items[min(int(rng.expovariate(6 / len(items))), len(items) - 1)]


def _chance(rng: Random, share: float) -> bool:
    return rng.random() < share


def patients(count: int, seed: int, first: int = 0) -> Iterator[tuple[str, tuple[f.AnyFact, ...]]]:
    """Yield ``(patient id, facts)``; patient ``n`` of a seed is the same one whatever the range asked for."""
    rare = tuple(
        code
        for code in sorted({oncotree.resolve(word) or "" for word in oncotree.spellings()} - {""})
        if code not in diseases.BY_CODE
    )
    for number in range(first, first + count):
        rng = Random(f"{seed}/{number}")
        yield f"P{number}", tuple(_facts(rng, number, rare))


def _facts(rng: Random, number: int, rare: Sequence[str]) -> Iterator[f.AnyFact]:
    disease = _disease(rng)
    serial = iter(range(1000))

    def here(kind: str) -> f.Evidence:
        return msgspec.structs.replace(_NOTHING, resource=f"{kind}/{number}-{next(serial)}", source="load/ehr")

    code = disease.oncotree if disease else rng.choice(rare)
    low, high = disease.ages if disease else (18, 85)
    born = TODAY - timedelta(days=rng.randint(low * 365, high * 365))
    sex = disease.sex if disease and disease.sex != "any" else rng.choice(("female", "male"))
    yield f.Demographics(evidence=here("Patient"), birth_date=born.isoformat(), sex=sex, deceased=False)
    yield f.Diagnosis(
        evidence=here("Condition"), codes=(f.Coding(system=ONCOTREE, code=code),), effective=_day(rng, 1500)
    )
    if _chance(rng, 0.75):
        stages = (disease.stages if disease else ()) or diseases.SOLID_STAGES
        yield f.Stage(evidence=here("Observation"), group=rng.choice(stages), effective=_day(rng, 700))
    if _chance(rng, 0.7):
        value = rng.choices((0, 1, 2, 3), (35, 45, 15, 5))[0]
        yield f.Performance(evidence=here("Observation"), scale="ecog", value=value, effective=_day(rng, 120))
    yield from _genomic(rng, disease, here)
    yield from _clinical(rng, disease, here)


def _disease(rng: Random) -> Disease | None:
    if _chance(rng, 0.25):
        return None
    return rng.choices(diseases.ALL, [disease.weight for disease in diseases.ALL])[0]


def _day(rng: Random, back: int) -> str:
    return (TODAY - timedelta(days=rng.randint(0, back))).isoformat()


def _genomic(rng: Random, disease: Disease | None, here: Any) -> Iterator[f.AnyFact]:
    if _chance(rng, NEVER_SEQUENCED):
        return
    day, large = _day(rng, 500), _chance(rng, 0.5)
    symbols = LARGE_PANEL if large else SMALL_PANEL
    kinds: tuple[Any, ...] = ("mutation", "copy_number", "fusion") if large else ("mutation",)
    yield f.Coverage(
        evidence=here("Observation"), genes=symbols, alterations=kinds, source_class="somatic", effective=day
    )
    for share, alteration in disease.findings if disease else ():
        if _chance(rng, share / 100):
            yield _finding(alteration, here, day)
    for _ in range(rng.randint(0, 4)):
        gene, change = skewed(rng, symbols), rng.choice(_CHANGES)
        yield f.Variant(
            evidence=here("Observation"), gene=gene, protein_change=change, source_class="somatic", effective=day
        )
    if large:
        burden = Decimal(str(round(rng.expovariate(0.15), 1)))
        yield f.Signature(evidence=here("Observation"), name="tmb", value=burden, unit="1/1000000{Base}", effective=day)
        status = "high" if _chance(rng, 0.05) else "stable"
        yield f.Signature(evidence=here("Observation"), name="msi", status=status, effective=day)


def _finding(alteration: Alteration, here: Any, day: str) -> f.AnyFact:
    evidence = here("Observation")
    if alteration.kind == "fusion":
        return f.Fusion(evidence=evidence, gene=alteration.gene, partner=alteration.partner, effective=day)
    if alteration.kind == "variant":
        source: Any = "germline" if alteration.germline else "somatic"
        return f.Variant(
            evidence=evidence,
            gene=alteration.gene,
            protein_change=alteration.protein,
            source_class=source,
            effective=day,
        )
    call: Any = "high_amplification" if alteration.kind == "amplification" else "homozygous_deletion"
    return f.CopyNumber(evidence=evidence, gene=alteration.gene, call=call, effective=day)


def _clinical(rng: Random, disease: Disease | None, here: Any) -> Iterator[f.AnyFact]:
    for _, loinc, unit, _, (low, high) in LABS:
        if _chance(rng, 0.75):
            value = Decimal(str(round(rng.uniform(low, high), 1)))
            yield f.Lab(evidence=here("Observation"), loinc=loinc, value=value, unit=unit, effective=_day(rng, 60))
    for _, loinc, unit, _, (low, high), limit in CEILINGS:
        if _chance(rng, 0.75):
            value = Decimal(str(round(min(rng.uniform(low, high), rng.uniform(low, high)), 1)))
            yield f.Lab(
                evidence=here("Observation"), loinc=loinc, value=value, unit=unit, upper_limit=Decimal(limit),
                effective=_day(rng, 60),
            )  # fmt: skip
    for line, drugs in enumerate((disease.regimens if disease else ())[: rng.randint(0, 3)], 1):
        yield f.Therapy(evidence=here("MedicationRequest"), drugs=drugs, line=line, start=_day(rng, 900))
    if _chance(rng, 0.5):
        yield f.TherapyHistory(evidence=here("List"), complete=True)
    for name, icd10 in COMORBIDITIES:
        if _chance(rng, 0.25 if name in ("hypertension", "diabetes mellitus") else 0.02):
            coding = f.Coding(system="http://hl7.org/fhir/sid/icd-10-cm", code=icd10)
            yield f.Condition(evidence=here("Condition"), codes=(coding,), active=True)
    if _chance(rng, 0.8):
        yield f.Consent(evidence=here("Consent"), decision="permit", effective=_day(rng, 400))


def _panels() -> tuple[tuple[str, ...], tuple[str, ...]]:
    approved = sorted({genes.canonical(symbol) for symbol in genes.known()} - set(BIOMARKERS))
    whole = (*BIOMARKERS, *approved)
    return whole[:50], whole


SMALL_PANEL, LARGE_PANEL = _panels()


def trials(count: int, seed: int, first: int = 0) -> Iterator[str]:
    """Yield trials as JSON text; trial ``n`` of a seed is the same one whatever the range asked for."""
    for number in range(first, first + count):
        rng = Random(f"{seed}/trial/{number}")
        yield msgspec.json.encode(_trial(rng, number)).decode()


def _trial(rng: Random, number: int) -> dict[str, Any]:
    disease = None if _chance(rng, 0.15) else _disease(rng)
    wanted = rng.randint(5, 34)
    shared = [*_entry(rng, disease), *_bounds(rng, wanted // 3), *_exclusions(rng, wanted // 2)][:wanted]
    arms = [
        {"code": chr(65 + arm), "criteria": {"all": own}}
        if (own := list(_markers(rng, disease)))
        else {"code": chr(65 + arm)}
        for arm in range(rng.choices((1, 2, 3), (60, 28, 12))[0])
    ]
    return {"id": f"LOAD-{number}", "title": f"Load {number}", "criteria": {"all": shared}, "arms": arms}


def _entry(rng: Random, disease: Disease | None) -> Iterator[dict[str, Any]]:
    yield {"age": {"min": 18} if _chance(rng, 0.85) else {"min": 18, "max": rng.choice((70, 75, 80))}}
    if disease is None:
        yield {"diagnosis": {"oncotree": ["_SOLID_"] if _chance(rng, 0.8) else ["_LIQUID_"]}}
    else:
        yield {"diagnosis": {"oncotree": [disease.oncotree]}}
    yield {"performance": {"scale": "ecog", "max": rng.choices((1, 2), (75, 25))[0]}}
    if disease is not None and not disease.liquid and _chance(rng, 0.5):
        yield {"stage": {"metastatic": True} if _chance(rng, 0.6) else {"group": ["III", "IV"]}}
    if disease is not None and disease.sex != "any":
        yield {"sex": {"any_of": [disease.sex]}}


def _bounds(rng: Random, count: int) -> Iterator[dict[str, Any]]:
    within = {"days": rng.choice((14, 28))}
    for name, _, unit, lows, _ in rng.sample(LABS, min(count, len(LABS))):
        yield {"lab": {"test": name, "min": rng.choice(lows), "unit": unit, "within": within}}
    for name, _, _, highs, _, _ in rng.sample(CEILINGS, min(max(count - 3, 0), len(CEILINGS))):
        yield {"lab": {"test": name, "max": rng.choice(highs), "unit": "xULN", "within": within}}


def _exclusions(rng: Random, count: int) -> Iterator[dict[str, Any]]:
    for name, _ in rng.sample(COMORBIDITIES, min(count, len(COMORBIDITIES))):
        yield {"not": {"condition": {"names": [name]}}}
    for name in rng.sample(CLASSES, min(count // 4, 3)):
        leaf = {"prior_therapy": {"classes": [name]}}
        yield leaf if _chance(rng, 0.3) else {"not": leaf}
    if _chance(rng, 0.4):
        yield {"prior_therapy": {"max_lines": rng.choice((1, 2, 3))}}
    yield {"not": {"prior_therapy": {"categories": ["systemic"], "within": {"weeks": rng.choice((2, 3, 4))}}}}


def _markers(rng: Random, disease: Disease | None) -> Iterator[dict[str, Any]]:
    if not _chance(rng, 0.66):
        return
    own = [alteration for _, alteration in disease.findings] if disease else []
    options = [
        _asked(rng, rng.choice(own)) if own and _chance(rng, 0.6) else _any_of(rng) for _ in range(rng.randint(1, 4))
    ]
    unique = list({msgspec.json.encode(option): option for option in options}.values())
    yield unique[0] if len(unique) == 1 else {"any": unique}
    if _chance(rng, 0.3):
        yield {"not": {"variant": {"gene": skewed(rng, BIOMARKERS), "protein_change": [rng.choice(_CHANGES)]}}}
    if _chance(rng, 0.1):
        yield {"signature": {"name": "tmb", "min": "10"}}


def _asked(rng: Random, alteration: Alteration) -> dict[str, Any]:
    if alteration.kind == "fusion":
        return {"fusion": {"gene": alteration.gene}}
    if alteration.kind == "variant":
        exact = {"protein_change": [alteration.protein]} if alteration.protein and _chance(rng, 0.6) else {}
        return {"variant": {"gene": alteration.gene, **exact}}
    return {"copy_number": {"gene": alteration.gene, "calls": [alteration.kind]}}


def _any_of(rng: Random) -> dict[str, Any]:
    gene = skewed(rng, BIOMARKERS)
    kind = rng.choices(("variant", "fusion", "copy_number"), (80, 12, 8))[0]
    return {kind: {"gene": gene}}
