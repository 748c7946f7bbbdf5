"""Facts out of Condition: cancer diagnoses, metastases, comorbidities."""

import re
from collections.abc import Iterator
from typing import Any, cast

from trialbridge.criteria import facts as f
from trialbridge.criteria.terminology import crosswalk, sites, stages
from trialbridge.emr.facts.read import MCODE, answer, codings, extension, objects, profiles, text
from trialbridge.emr.facts.standing import standing
from trialbridge.emr.records import Resource

UNCONFIRMED = f.Coding(text="a cancer that is not confirmed")
"""Stands for the codes of a diagnosis that may not be so."""
_STATUSES = frozenset({"active", "recurrence", "relapse", "remission", "inactive", "resolved"})
_SECONDARY = ("C77", "C78", "C79", "C7B")
_SECONDARY_9 = re.compile(r"19[78]|209\.?7")
_SECONDARY_SNOMED = frozenset({"94161006", "94222008", "94225005", "94381002", "94391008", "94392001", "128462008"})
_SECONDARY_WORDS = re.compile(
    r"(?:secondary (?:malignant neoplasm|carcinoma|adenocarcinoma) of|metastatic malignant neoplasm (?:to|of)|metastasis (?:to|from))\b",
    re.IGNORECASE,
)
"""How SNOMED CT's names of metastases begin."""
_BLOOD = ("D45", "D46", "D47")
"""Neoplasms of the blood that ICD-10 has among those of uncertain behaviour, as polycythaemia vera and myelodysplasia."""
_CANCER_9 = re.compile(r"(?:1[4-8][0-9]|19[0-59]|20[0-8])(?:$|\.|[0-9])|209\.?[0-37]|238\.?(?:4|7[1-9])")
"""ICD-9-CM: malignant neoplasms, malignant neuroendocrine tumours, and those of the blood that ICD-10 has in D45 to D47; not
196, lymph nodes, which may be regional."""
_CANCER = re.compile(r"C[0-9][0-9AB](?:[0-9A-Z.]|$)")
_AROUND = re.compile(
    r"^(?:(?:american joint committee on cancer|ajcc|union for international cancer control|uicc)\b[ ,:-]*)?"
    r"(?:(?:clinical|pathologic(?:al)?) )?(?:stage\b[ :]*)?|\s*\((?:qualifier value|finding|tumor staging)\)$",
    re.IGNORECASE,
)
_BASES = {"clinical": frozenset({"260998006", "399537006"}), "pathologic": frozenset({"261023001", "399588009"})}
_BRAIN_CODES = frozenset({"94225005", "C79.3", "C793", "C79.31", "C7931", "C79.32", "C7932", "198.3", "1983"})
_BRAIN_SITES = frozenset({"12738006", "C71.9"})


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
        brain = any(c.code in _BRAIN_CODES for c in codes) or any(c.code in _BRAIN_SITES for c in places)
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
            kind = {coding.code for coding in codings(one.get("type"))}
            basis = next((word for word, known in _BASES.items() if kind & known), None)
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
    return any(map(_secondary, codes))


def _secondary(coding: f.Coding) -> bool:
    """Return whether a code is of a metastasis, by ICD-10, ICD-9-CM or SNOMED CT."""
    system, code = crosswalk.system_of(coding.system), (coding.code or "").strip()
    if system == "icd10":
        return code.upper().startswith(_SECONDARY)
    if system == "snomed":
        return code in _SECONDARY_SNOMED or bool(code and _SECONDARY_WORDS.match(coding.text or ""))
    return _is_icd9(coding.system) and bool(_SECONDARY_9.match(code))


def _is_icd9(system: str | None) -> bool:
    low = (system or "").casefold()
    return "icd-9" in low or "icd9" in low or low.endswith(("2.16.840.1.113883.6.103", "2.16.840.1.113883.6.2"))


def _is_cancer(resource: Resource, codes: tuple[f.Coding, ...], histology: tuple[f.Coding, ...]) -> bool:
    if "mcode-primary-cancer-condition" in profiles(resource) or histology:
        return True
    malignant = any(crosswalk.system_of(c.system) == "icd10" and _malignant(c.code or "") for c in codes)
    malignant = malignant or any(_is_icd9(c.system) and _CANCER_9.match((c.code or "").strip()) for c in codes)
    known = any(crosswalk.system_of(c.system) in ("oncotree", "snomed", "icdo3") and c.code for c in codes)
    return malignant or (known and bool(crosswalk.terms_of(tuple(c for c in codes if c.code))))


def _malignant(code: str) -> bool:
    """Return whether an ICD-10 code is of a cancer: C00 to C97, with the letters of ICD-10-CM (C4A, C7A), and cancers of the blood."""
    plain = code.strip().upper()
    return bool(_CANCER.match(plain)) or (plain.startswith(_BLOOD) and bool(crosswalk.from_icd10(plain)))


def stage_words(concept: Any) -> str | None:
    """Return a stage without the words around it (``Stage``, ``American Joint Committee on Cancer``): the code where it is one."""
    coded = answer("stage", concept)
    if coded is not None:
        return coded
    for coding in codings(concept):
        for value in (coding.code, coding.text):
            if value and not value.isdigit():
                return _AROUND.sub("", value).strip()
    return text(concept)
