"""Facts out of Condition: cancer diagnoses, metastases, comorbidities."""

from collections.abc import Iterator
from typing import Any, cast

from trialbridge.criteria import facts as f
from trialbridge.criteria.terminology import crosswalk
from trialbridge.emr.facts.read import MCODE, codings, extension, objects, profiles, text
from trialbridge.emr.facts.standing import standing
from trialbridge.emr.records import Resource

UNCONFIRMED = f.Coding(text="a cancer that is not confirmed")
"""Stands for the codes of a diagnosis that may not be so."""
_STATUSES = frozenset({"active", "recurrence", "relapse", "remission", "inactive", "resolved"})
_SECONDARY = ("C77", "C78", "C79")
_BRAIN_CODES = frozenset({"94225005", "C79.31", "C7931"})
_BRAIN_SITES = frozenset({"12738006", "C71.9"})


def of_condition(resource: Resource, evidence: f.Evidence) -> Iterator[f.AnyFact]:
    """Yield a cancer diagnosis or a comorbidity, with spread where it is a metastasis.

    A cancer that is not confirmed (unconfirmed, provisional, differential) is yielded without its codes: it meets no criterion,
    and what else is known does not rule it out. Comorbidities and metastases are unknown where nothing is recorded of them.
    """
    reading = standing(resource)
    codes = codings(resource.get("code"))
    if not codes or reading == "silent":
        return
    refuted = reading == "denied"
    clinical = next((c.code for c in codings(resource.get("clinicalStatus")) if c.code in _STATUSES), None)
    histology = codings(extension(resource, MCODE + "mcode-histology-morphology-behavior"))
    sites = tuple(coding for site in objects(resource.get("bodySite")) for coding in codings(site))
    secondary = _is_secondary(resource, codes)
    if reading == "uncertain":
        if not secondary and _is_cancer(resource, codes, histology):
            yield f.Diagnosis(evidence=evidence, effective=evidence.date, codes=(UNCONFIRMED,))
        return
    if not secondary and not _is_cancer(resource, codes, histology):
        active = None if clinical is None else clinical in ("active", "recurrence", "relapse")
        yield f.Condition(evidence=evidence, effective=evidence.date, codes=codes, present=not refuted, active=active)
        return
    yield f.Diagnosis(
        evidence=evidence,
        effective=evidence.date,
        codes=codes,
        status=cast("Any", clinical),
        morphology=histology,
        site=sites,
        primary=not secondary,
        excluded=refuted,
    )
    if secondary and not refuted:
        brain = any(c.code in _BRAIN_CODES for c in codes) or any(c.code in _BRAIN_SITES for c in sites)
        yield f.Stage(
            evidence=evidence,
            effective=evidence.date,
            metastatic=True,
            metastatic_sites=sites,
            cns_metastases="present" if brain else None,
        )


def is_secondary(resource: Resource) -> bool:
    """Return whether a Condition is a metastasis, by its profile or code."""
    return _is_secondary(resource, codings(resource.get("code")))


def is_cancer(resource: Resource) -> bool:
    """Return whether a Condition is a cancer, by its profile, code or histology."""
    histology = codings(extension(resource, MCODE + "mcode-histology-morphology-behavior"))
    return _is_cancer(resource, codings(resource.get("code")), histology)


def _is_secondary(resource: Resource, codes: tuple[f.Coding, ...]) -> bool:
    if "mcode-secondary-cancer-condition" in profiles(resource):
        return True
    return any(crosswalk.system_of(c.system) == "icd10" and (c.code or "").startswith(_SECONDARY) for c in codes)


def _is_cancer(resource: Resource, codes: tuple[f.Coding, ...], histology: tuple[f.Coding, ...]) -> bool:
    if "mcode-primary-cancer-condition" in profiles(resource) or histology:
        return True
    malignant = any(crosswalk.system_of(c.system) == "icd10" and _malignant(c.code or "") for c in codes)
    known = any(crosswalk.system_of(c.system) in ("oncotree", "snomed", "icdo3") and c.code for c in codes)
    return malignant or (known and bool(crosswalk.terms_of(tuple(c for c in codes if c.code))))


def _malignant(code: str) -> bool:
    return code[:1] == "C" and code[1:3].isdigit()


def stage_words(concept: Any) -> str | None:
    """Return a stage as written without the word stage: the code where it is one, else the text."""
    for coding in codings(concept):
        for value in (coding.code, coding.text):
            if value and not value.isdigit():
                return value.removeprefix("Stage ").removeprefix("stage ").strip()
    return text(concept)
