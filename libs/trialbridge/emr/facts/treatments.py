"""Facts out of medications, procedures and the list of all treatments."""

from collections.abc import Iterator
from typing import Any, cast

from trialbridge.criteria import facts as f
from trialbridge.criteria.terminology import drugs
from trialbridge.emr.facts.read import MCODE, codings, extension, mapping, profiles, text, when
from trialbridge.emr.records import Resource

_NOT_GIVEN = frozenset({"not-done", "not-taken"})
_VOID = frozenset({"entered-in-error", "cancelled", "draft"})
_INTENT = {"373808002": "curative", "363676003": "palliative", "373846009": "adjuvant", "373847000": "neoadjuvant"}
_RADIATION = frozenset({"108290001", "1217123003", "77477000", "1156506007"})
_SURGERY = frozenset({"387713003"})
_TREATMENTS = frozenset({"10160-0", "treatments"})


def of_medication(resource: Resource, evidence: f.Evidence) -> Iterator[f.AnyFact]:
    """Yield a cancer therapy where the drug table knows the drug as one, else a medication."""
    status = str(resource.get("status"))
    if status in _VOID or (
        resource.get("resourceType") == "MedicationRequest" and resource.get("intent") not in ("order", "plan", None)
    ):
        return
    codes = codings(resource.get("medicationCodeableConcept"))
    names = tuple(dict.fromkeys(drugs.generic(c.text) for c in codes if c.text))
    known = tuple(name for name in names if drugs.classes_of(name) is not None)
    period = mapping(resource.get("effectivePeriod"))
    start = text(period.get("start")) or when(resource)
    if known or any(name.startswith("mcode-cancer-related") for name in profiles(resource)):
        planned = resource.get("resourceType") == "MedicationRequest"
        if planned:
            return
        yield f.Therapy(
            evidence=evidence,
            effective=start,
            drugs=known or names[:1],
            codes=codes,
            intent=_intent(resource),
            start=start,
            end=text(period.get("end")) or text(resource.get("effectiveDateTime")),
            ongoing=True
            if status in ("in-progress", "active")
            else False
            if status in ("completed", "stopped")
            else None,
            given=status not in _NOT_GIVEN,
        )
    elif codes:
        yield f.Medication(
            evidence=evidence,
            effective=start,
            names=names,
            codes=codes,
            active=status in ("active", "in-progress") if status != "unknown" else None,
        )


def _intent(resource: Resource) -> Any:
    found = codings(extension(resource, MCODE + "mcode-treatment-intent"))
    return next((cast("Any", _INTENT[c.code]) for c in found if c.code in _INTENT), None)


def of_procedure(resource: Resource, evidence: f.Evidence) -> Iterator[f.AnyFact]:
    """Yield radiation or surgery of the cancer, else a procedure."""
    status = str(resource.get("status"))
    codes = codings(resource.get("code"))
    if status in (_VOID | {"preparation"}) or not codes:
        return
    every = {c.code for c in (*codes, *codings(resource.get("category")))}
    claimed = profiles(resource)
    radiation = bool(every & _RADIATION) or any("radiotherapy" in name for name in claimed)
    surgery = any("surgical" in name for name in claimed) and not radiation
    period = mapping(resource.get("performedPeriod"))
    start = text(period.get("start")) or when(resource)
    if radiation or surgery:
        yield f.Therapy(
            evidence=evidence,
            effective=start,
            codes=codes,
            category="radiation" if radiation else "surgery",
            intent=_intent(resource),
            start=start,
            end=text(period.get("end")) or text(resource.get("performedDateTime")),
            ongoing=status == "in-progress",
            given=status not in _NOT_GIVEN,
        )
    elif status not in _NOT_GIVEN:
        yield f.Procedure(evidence=evidence, effective=start, codes=codes)


def of_list(resource: Resource, evidence: f.Evidence) -> Iterator[f.AnyFact]:
    """Yield the statement that the list of cancer treatments is complete; only a current snapshot says so."""
    codes = {c.code for c in codings(resource.get("code"))}
    empty = {c.code for c in codings(resource.get("emptyReason"))}
    if resource.get("status") != "current" or resource.get("mode") != "snapshot" or not codes & _TREATMENTS:
        return
    if resource.get("entry") or "nilknown" in empty:
        yield f.TherapyHistory(evidence=evidence, effective=text(resource.get("date")), complete=True)
