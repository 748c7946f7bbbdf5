"""Facts out of Condition: cancer diagnoses, metastases, comorbidities."""

import re
from collections.abc import Iterator
from typing import Any, Final, cast

from trialbridge.criteria import facts as f
from trialbridge.criteria.terminology import crosswalk, sites, stages
from trialbridge.emr.facts.coded_meanings import meanings_of
from trialbridge.emr.facts.read import MCODE, answer, codings, extension, objects, profiles, text
from trialbridge.emr.facts.standing import standing
from trialbridge.emr.records import Resource

UNCONFIRMED = f.Coding(text="a cancer that is not confirmed")
"""Stands for the codes of a diagnosis that may not be so."""
_TABLE: Final = "disease_codes"
_STATUSES = frozenset({"active", "recurrence", "relapse", "remission", "inactive", "resolved"})
_AROUND = re.compile(
    r"^(?:(?:american joint committee on cancer|ajcc|union for international cancer control|uicc)\b[ ,:-]*)?"
    r"(?:(?:clinical|pathologic(?:al)?) )?(?:stage\b[ :]*)?|\s*\((?:qualifier value|finding|tumor staging)\)$",
    re.IGNORECASE,
)
_BASES = ("clinical", "pathologic")


def of_condition(resource: Resource, evidence: f.Evidence) -> Iterator[f.AnyFact]:
    """Yield a cancer diagnosis or a comorbidity, with spread where it is a metastasis.

    A cancer that is not confirmed (unconfirmed, provisional, differential) is yielded without its codes: it meets no criterion,
    and what else is known does not rule it out. Comorbidities and metastases are unknown where nothing is recorded of them.
    """
    reading = standing(resource)
    codes = codings(resource.get("code"))
    none = answer("no_known", resource.get("code"))
    if not codes or reading == "silent" or none == "none" or (none and reading != "stated"):
        return
    refuted = reading == "denied" or none is not None
    clinical = next((c.code for c in codings(resource.get("clinicalStatus")) if c.code in _STATUSES), None)
    histology = codings(extension(resource, MCODE + "mcode-histology-morphology-behavior"))
    places = tuple(coding for site in objects(resource.get("bodySite")) for coding in codings(site))
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
        site=places,
        primary=not secondary,
        excluded=refuted,
    )
    if not refuted:
        yield from _stages(resource, evidence)
    if secondary and not refuted and not sites.only_nodes((*codes, *places)):
        brain = "brain" in meanings_of(_TABLE, codes) or "brain-site" in meanings_of(_TABLE, places)
        yield f.Stage(
            evidence=evidence,
            effective=evidence.date,
            metastatic=True,
            metastatic_sites=places,
            cns_metastases="present" if brain else None,
        )


def _stages(resource: Resource, evidence: f.Evidence) -> Iterator[f.Stage]:
    """Yield the stage groups that a diagnosis carries itself; where it names the assessment, that one tells."""
    for one in objects(resource.get("stage")):
        group = stages.group(stage_words(one.get("summary")) or "")
        if group is not None and not one.get("assessment"):
            kinds = tuple(meanings_of(_TABLE, codings(one.get("type"))))
            basis = next((word for word in _BASES if word in kinds), None)
            yield f.Stage(evidence=evidence, effective=evidence.date, group=group, basis=cast("Any", basis))


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
    return "secondary" in meanings_of(_TABLE, codes)


def _is_cancer(resource: Resource, codes: tuple[f.Coding, ...], histology: tuple[f.Coding, ...]) -> bool:
    if "mcode-primary-cancer-condition" in profiles(resource) or histology:
        return True
    if any(map(_malignant, codes)):
        return True
    known = any(crosswalk.system_of(c.system) in ("oncotree", "snomed", "icdo3") and c.code for c in codes)
    return known and bool(crosswalk.terms_of(tuple(c for c in codes if c.code)))


def _malignant(coding: f.Coding) -> bool:
    """Return whether a code is of a cancer by the table, among them neoplasms of the blood that the crosswalk has a term for."""
    says = frozenset(meanings_of(_TABLE, (coding,)))
    return "cancer" in says or ("cancer-if-known" in says and bool(crosswalk.from_icd10(coding.code or "")))


def stage_words(concept: Any) -> str | None:
    """Return a stage without the words around it (``Stage``, ``American Joint Committee on Cancer``): the code where it is one."""
    coded = answer("stage", concept)
    if coded is not None:
        return coded
    said = [
        _AROUND.sub("", value).strip()
        for coding in codings(concept)
        for value in (coding.code, coding.text)
        if value and not value.isdigit()
    ]
    return next((one for one in said if _is_stage(one)), said[0]) if said else text(concept)


def is_stage(concept: Any) -> bool:
    """Return whether a concept is read as a stage: a group, or a category of tumour, nodes or metastases."""
    return _is_stage(stage_words(concept) or "")


def _is_stage(words: str) -> bool:
    return stages.group(words) is not None or any(stages.category(axis, words) is not None for axis in "tnm")
