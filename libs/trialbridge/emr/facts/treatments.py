"""Facts out of medications, procedures and the list of all treatments."""

from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from trialbridge.criteria import facts as f
from trialbridge.criteria.terminology import drugs
from trialbridge.emr.facts.clinical_drugs import drugs_in
from trialbridge.emr.facts.coded_meanings import meanings_of
from trialbridge.emr.facts.read import (
    MCODE,
    answer,
    codings,
    contained_drug,
    extension,
    mapping,
    profiles,
    text,
    when,
)
from trialbridge.emr.facts.standing import Reading, standing
from trialbridge.emr.records import Resource
from trialbridge.emr.tables.rows import listed

_ONGOING = frozenset({"active", "in-progress"})
_OVER = frozenset({"completed", "stopped"})
_INTENTS = ("mcode-procedure-intent", "mcode-treatment-intent")


def of_medication(resource: Resource, evidence: f.Evidence) -> Iterator[f.AnyFact]:
    """Yield a cancer therapy where the drug table knows the drug as one, else a medication.

    A request says that a drug was ordered, not that it was given: of a cancer drug it says nothing. A medication of which it is
    not certain that it is taken is left out; a cancer drug like that keeps the list of treatments from being complete.
    """
    codes = _drug(resource)
    start = text(mapping(resource.get("effectivePeriod")).get("start")) or when(resource)
    reading = _begun(standing(resource), start)
    if not codes and resource.get("resourceType") != "MedicationRequest" and reading not in ("silent", "denied"):
        # A drug that is told elsewhere may be one of the cancer.
        yield f.TherapyHistory(evidence=evidence, effective=start, complete=False)
        return
    names = tuple(dict.fromkeys(drugs.generic(c.text) for c in codes if c.text))
    known = tuple(dict.fromkeys(name for c in codes if c.text for name in drugs_in(c.text)))
    if known or any(name.startswith("mcode-cancer-related") for name in profiles(resource)):
        if resource.get("resourceType") != "MedicationRequest":
            yield from _therapy(
                resource, f.Therapy(evidence=evidence, effective=start, drugs=known or names[:1], codes=codes), reading
            )
    elif codes and reading == "stated" and resource.get("doNotPerform") is not True:
        active = resource.get("status") in _ONGOING
        yield f.Medication(evidence=evidence, effective=start, names=names, codes=codes, active=active)
        if not names and resource.get("resourceType") != "MedicationRequest":
            yield f.TherapyHistory(evidence=evidence, effective=start, complete=False)


def _drug(resource: Resource) -> tuple[f.Coding, ...]:
    """Return the codings of the drug: its own, those of the Medication that it contains, or else the words of its reference."""
    own = codings(resource.get("medicationCodeableConcept"))
    refers = mapping(resource.get("medicationReference"))
    if own or not refers:
        return own
    return codings(contained_drug(resource).get("code")) or codings({"text": refers.get("display")})


def _begun(reading: Reading, start: str | None) -> Reading:
    """Return what a treatment that was broken off says: it was given in part where it has a start, else perhaps not at all."""
    return reading if reading != "begun" else "stated" if start else "uncertain"


def _therapy(resource: Resource, bare: f.Therapy, reading: Reading) -> Iterator[f.AnyFact]:
    """Yield a treatment that was given or stated not to have been; one that may have been is only said to leave the list open."""
    if reading == "uncertain":
        yield f.TherapyHistory(evidence=bare.evidence, effective=bare.effective, complete=False)
        return
    if reading == "silent":
        return
    status = resource.get("status")
    period = mapping(resource.get("effectivePeriod")) or mapping(resource.get("performedPeriod"))
    yield msgspec.structs.replace(
        bare,
        intent=_intent(resource),
        start=bare.effective,
        end=text(period.get("end")) or text(resource.get("effectiveDateTime")) or text(resource.get("performedDateTime")),
        ongoing=True if status in _ONGOING else False if status in _OVER else None,
        given=reading == "stated",
    )  # fmt: skip


def _intent(resource: Resource) -> Any:
    # mCODE STU1 called it treatment intent, later editions procedure intent.
    stated = (extension(resource, MCODE + name) for name in _INTENTS)
    return next((word for one in stated if (word := answer("intent", one))), None)


def of_procedure(resource: Resource, evidence: f.Evidence) -> Iterator[f.AnyFact]:
    """Yield radiation, transplantation or surgery of the cancer, and all but radiation as procedures.

    What was broken off was given in part where it is radiation; of an operation it is not certain what was done.
    """
    codes = codings(resource.get("code"))
    reading = standing(resource)
    if not codes or reading == "silent":
        return
    every = (*codes, *codings(resource.get("category")))
    claimed = profiles(resource)
    kinds = tuple(meanings_of("procedure_kinds", every))
    kind = next((one for one in kinds if one != "surgery"), None)
    radiation = kind == "radiation" or any("radiotherapy" in name or "radiation" in name for name in claimed)
    operated = "surgery" in kinds or any("surgical" in name for name in claimed)
    start = text(mapping(resource.get("performedPeriod")).get("start")) or when(resource)
    reading = _begun(reading, start if radiation else None)
    category: Literal["radiation", "transplant", "surgery"] | None
    category = "radiation" if radiation else "transplant" if kind else "surgery" if operated else None
    if category is not None:
        yield from _therapy(
            resource, f.Therapy(evidence=evidence, effective=start, codes=codes, category=category), reading
        )
    if not radiation and reading == "stated":
        yield f.Procedure(evidence=evidence, effective=start, codes=codes)


def of_list(resource: Resource, evidence: f.Evidence) -> Iterator[f.AnyFact]:
    """Yield the statement that the list of cancer treatments is complete; only a current snapshot says so."""
    told = any((c.code or "").casefold() in listed("treatment_list") for c in codings(resource.get("code")))
    empty = {c.code for c in codings(resource.get("emptyReason"))}
    if standing(resource) != "stated" or not told:
        return
    if resource.get("entry") or "nilknown" in empty:
        yield f.TherapyHistory(evidence=evidence, effective=text(resource.get("date")), complete=True)
