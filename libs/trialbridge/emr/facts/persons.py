"""Facts out of Patient, Consent, AllergyIntolerance and pregnancy observations."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final, Literal, cast

from trialbridge.criteria import facts as f
from trialbridge.emr.facts.read import answer, codings, decimal, extension, mapping, objects, text, when
from trialbridge.emr.facts.standing import standing
from trialbridge.emr.records import Resource

Sex = Literal["male", "female", "other", "unknown"]
_BIRTH_SEX: Final = (
    "http://hl7.org/fhir/us/core/StructureDefinition/us-core-birthsex",
    "http://hl7.org/fhir/us/core/StructureDefinition/us-core-sex",
)
GEOLOCATION: Final = "http://hl7.org/fhir/StructureDefinition/geolocation"


def of_patient(resource: Resource, evidence: f.Evidence) -> Iterator[f.AnyFact]:
    """Yield demographics and where the patient lives."""
    deceased = resource.get("deceasedBoolean")
    died = text(resource.get("deceasedDateTime"))
    yield f.Demographics(
        evidence=evidence,
        birth_date=text(resource.get("birthDate")),
        sex=_sex(resource),
        deceased=deceased if isinstance(deceased, bool) else True if died else None,
        deceased_date=died,
    )
    for home in objects(resource.get("address")):
        if home.get("use") not in ("old", "billing"):
            latitude, longitude = _point(home)
            yield f.Location(
                evidence=evidence,
                country=text(home.get("country")),
                region=text(home.get("state")),
                postal_code=text(home.get("postalCode")),
                latitude=latitude,
                longitude=longitude,
            )
            return


def _sex(resource: Resource) -> Sex | None:
    """Return the sex by what is administered and, where the record has it, the sex at birth; None where they contradict one another.

    Trials ask for the body's sex: where gender and birth sex differ, the record alone does not settle it.
    """
    gender = resource.get("gender")
    given = cast("Sex", gender) if gender in ("male", "female", "other", "unknown") else None
    stated = (extension(resource, url) for url in _BIRTH_SEX)
    born = {cast("Sex", word) for one in stated if (word := answer("birth_sex", {"text": one}))}
    if not born:
        return given
    sexes = born if given in (None, "unknown") else born | {given}
    return sexes.pop() if len(sexes) == 1 else None


def _point(home: dict[str, Any]) -> tuple[Decimal | None, Decimal | None]:
    """Return latitude and longitude of an address (FHIR's extension geolocation), None where it has none."""
    found = next((one for one in objects(home.get("extension")) if one.get("url") == GEOLOCATION), {})
    parts = {str(one.get("url")): decimal(one.get("valueDecimal")) for one in objects(found.get("extension"))}
    return parts.get("latitude"), parts.get("longitude")


def of_consent(resource: Resource, evidence: f.Evidence) -> Iterator[f.AnyFact]:
    """Yield a consent in force; a draft or an inactive one says nothing."""
    provision = mapping(resource.get("provision"))
    decision = provision.get("type")
    if standing(resource) != "stated" or decision not in ("permit", "deny"):
        return
    scope = next((c.code for c in codings(resource.get("scope")) if c.code in ("research", "treatment")), None)
    period = mapping(provision.get("period"))
    yield f.Consent(
        evidence=evidence,
        effective=when(resource),
        scope=cast("Any", scope or "sharing"),
        decision=cast("Any", decision),
        period_start=text(period.get("start")),
        period_end=text(period.get("end")),
    )


def of_allergy(resource: Resource, evidence: f.Evidence) -> Iterator[f.AnyFact]:
    """Yield an allergy; a refuted one is stated to be absent, one that is not confirmed or is over says nothing.

    "No known allergy" is a code of its own: it states an absence, never an allergy.
    """
    reading = standing(resource)
    found = codings(resource.get("code"))
    none = answer("no_known", resource.get("code"))
    if not found or reading == "silent" or none == "none" or (none and reading != "stated"):
        return
    present = reading == "stated" and none is None
    yield f.Allergy(evidence=evidence, effective=when(resource), codes=found, present=present)
