"""What a CTML document says of a trial besides who matches: ids, titles, status, sites, drugs, sponsor."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from trialbridge.criteria.ctml_reading import Node, Reading, Said, chosen, empty
from trialbridge.criteria.terminology.nearest import hint

EXTENSION: Final = "_trialbridge"
"""Where particulars stand that CTML has no key for."""
_EXTENDED: Final = {"lab": str, "review": bool, "protocol": str, "sites": list, "id": str}
_KEPT: Final = (
    "protocol_no", "trial_id", "nct_id", "nct_number", "long_title", "title", "phase", "status", "_summary", "summary",
    "sponsor_list", "site_list", "drug_list", "treatment_list", "match", EXTENSION,
)  # fmt: skip
_LABELS: Final = ("nickname", "protocol_id", "trial_internal_id", "_id")
"""Names and numbers of which others are kept."""
_APART: Final = ("short_title", "age", "age_group")
"""What is looked at beside others that say the same."""
_TEXT: Final = (
    "prior_treatment_requirements", "additional_criteria_requirement_names", "additional_criteria_requirements",
)  # fmt: skip
_NOT_KEPT: Final = (
    "protocol_type", "principal_investigator", "principal_investigator_institution", "staff_list", "management_group_list",
    "management_group_primary", "oncology_group_list", "program_area_list", "disease_center_list", "disease_site_list",
    "protocol_target_accrual", "cancer_center_accrual_goal_upper", "data_table4", "protocol_ct", "last_updated", "nct_purpose",
    "primary_study_contact", "primary_study_contact_email", "nct_link", "lead_study_coordinator", "lead_study_coordinator_email",
    "coordinating_center", "curation_status", "archived", "ctml_status", "oncpro_link", "stage", "reb_number",
    "protocol_version_number", "protocol_version_date", "curated_on", "notes",
)  # fmt: skip
TRIAL_KEYS: Final = (*_KEPT, *_LABELS, *_APART, *_TEXT, *_NOT_KEPT)
"""All keys of a trial."""
_STATUS: Final = {
    "open": "open", "open to accrual": "open", "recruiting": "open", "enrolling by invitation": "open",
    "suspended": "suspended", "suspended to accrual": "suspended", "temporarily closed": "suspended",
    "temporarily closed to accrual": "suspended", "on hold": "suspended",
    "closed": "closed", "closed to accrual": "closed", "active, not recruiting": "closed", "terminated": "closed",
    "completed": "closed", "withdrawn": "closed", "not yet recruiting": "closed", "new": "closed", "approved": "closed",
    "irb study closure": "closed", "unknown status": "closed",
}  # fmt: skip
"""Only ``open`` takes patients; what is not known to be open is closed."""
_SITE_STATUS: Final = {
    word: "recruiting" if status == "open" else status for word, status in _STATUS.items()
} | {"not yet recruiting": "not_yet_recruiting", "new": "not_yet_recruiting", "approved": "not_yet_recruiting"}  # fmt: skip


def known_keys(given: Mapping[str, Any], allowed: Sequence[str], path: str, reading: Reading) -> None:
    """Note the keys that CTML does not have here."""
    for key in given:
        if key not in allowed:
            place = f"{path}.{key}".lstrip(".")
            reading.error("unknown-key", place, "CTML has no such key here.", hint(str(key), allowed))


def particulars(document: Mapping[str, Any], reading: Reading) -> Node:
    """Return the particulars of the native form; notes what is not understood and what is not kept."""
    known_keys(document, TRIAL_KEYS, "", reading)
    for key in _TEXT:
        if not empty(document.get(key)):
            reading.warn("free-text", key, "Free text is not matched: write what it asks for as criteria.")
    lost = [key for key in _NOT_KEPT if not empty(document.get(key))]
    if lost:
        reading.warn("not-kept", lost[0], f"These say nothing about who matches and are not kept: {', '.join(lost)}.")
        reading.leave(document, lost[1:], "", "This says nothing about who matches.")
    reading.leave(document, _LABELS, "", "Another name or number of the trial is kept.")
    own = _extension(document, reading)
    return {
        "id": _id(document, own.pop("id", ""), reading),
        "title": _first(document, ("long_title", "title", "short_title"), reading),
        "nct_id": _first(document, ("nct_id", "nct_number"), reading),
        "phase": _phase(document, reading),
        "status": _status(document, reading),
        "drugs": _names(document, "drug_list", "drug", "drug_name", ("ncit_code",), reading),
        "sponsor": _sponsor(document, reading),
        **own,
        "sites": _sites(document, own.get("sites"), reading),
    }


def _id(document: Mapping[str, Any], own: str, reading: Reading) -> str:
    if own:
        reading.leave(document, ("protocol_no", "trial_id"), "", f"{EXTENSION}.id is the id.")
        return own
    return _first(document, ("protocol_no", "trial_id"), reading) or _first(document, ("nct_id",), reading)


def _first(document: Mapping[str, Any], keys: Sequence[str], reading: Reading) -> str:
    """Return what the first of the keys says; the others have no place beside it."""
    given = [key for key in keys if not empty(document.get(key))]
    reading.leave(document, given[1:], "", f"{given[0]} is kept." if given else "")
    return str(document[given[0]]) if given else ""


def _phase(document: Mapping[str, Any], reading: Reading) -> str:
    value = document.get("phase")
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return "/".join(value)
    if isinstance(value, (list, dict)):
        reading.error("wrong-type", "phase", "A phase is a text, or a list of texts.")
        return ""
    return "" if value is None else str(value)


def _status(document: Mapping[str, Any], reading: Reading) -> str:
    """Return whether the trial takes patients: the summary's status is what the engine of CTML goes by, ``status`` comes second."""
    plain = document.get("status")
    own = None if plain in (None, "") else _status_word(Said(plain, "status"), _STATUS, reading)
    summaries = [said for key in ("_summary", "summary") if (said := _summary(document, key, reading))]
    for other in summaries[1:]:
        reading.left_out(other.path, "The status of _summary is the one that counts.")
    if not summaries:
        return own or "open"
    found = _status_word(summaries[0], _STATUS, reading)
    if own == found:
        reading.left_out("status", "The summary says the same, and is the one that counts.")
    elif own is not None:
        message = f"The summary's status ({found}) is another one, and is the one that counts."
        reading.warn("not-kept", "status", message)
    return found


def _summary(document: Mapping[str, Any], key: str, reading: Reading) -> Said | None:
    """Return the newest status of a summary; the rest of it has no place in a trial."""
    why = "Of a summary the newest status is kept."
    holder = document.get(key)
    if not isinstance(holder, dict):
        reading.leave(document, (key,), "", why)
        return None
    listed = holder.get("status")
    newest = listed[0] if isinstance(listed, list) and listed else None
    value = newest.get("value") if isinstance(newest, dict) else None
    if not isinstance(newest, dict) or empty(value):
        reading.leave(holder, list(holder), key, why)
        return None
    reading.leave(holder, [name for name in holder if name != "status"], key, why)
    reading.leave(newest, [name for name in newest if name != "value"], f"{key}.status[0]", why)
    for number in range(1, len(listed or ())):
        reading.left_out(f"{key}.status[{number}]", why)
    return Said(value, f"{key}.status[0].value")


def _status_word(said: Said, table: Mapping[str, str], reading: Reading) -> str:
    found: str | None = chosen(said, table, "status", reading)
    return found or "closed"


def _names(
    document: Mapping[str, Any], outer: str, inner: str, key: str, others: Sequence[str], reading: Reading
) -> list[str]:
    found = []
    for spot, one in _list(document, outer, inner, reading):
        known_keys(one, (key, *others), spot, reading)
        reading.leave(one, others, spot, f"The {key} is kept.")
        if empty(one.get(key)):
            reading.left_out(spot, f"It has no {key}.")
        else:
            found.append(str(one[key]))
    return found


def _list(document: Mapping[str, Any], outer: str, inner: str, reading: Reading) -> list[tuple[str, Mapping[str, Any]]]:
    holder = document.get(outer)
    if holder is None:
        return []
    members = holder.get(inner) if isinstance(holder, dict) else None
    if not isinstance(members, list) or not all(isinstance(one, dict) for one in members):
        reading.error("wrong-type", outer, f"This is an object with {inner}, a list of objects.")
        return []
    known_keys(holder, (inner,), outer, reading)
    return [(f"{outer}.{inner}[{number}]", one) for number, one in enumerate(members)]


def _sponsor(document: Mapping[str, Any], reading: Reading) -> str:
    """Return the principal sponsor, else the first one; more of them are not kept, which is said."""
    others = ("is_principal_sponsor", "sponsor_protocol_no", "sponsor_roles")
    listed = _list(document, "sponsor_list", "sponsor", reading)
    for spot, one in listed:
        known_keys(one, ("sponsor_name", *others), spot, reading)
    named = [(spot, one) for spot, one in listed if not empty(one.get("sponsor_name"))]
    chief = [(spot, one) for spot, one in named if str(one.get("is_principal_sponsor", "")).casefold() in ("y", "yes")]
    if len(named) > 1:
        reading.warn("not-kept", "sponsor_list", "Of several sponsors the principal one is kept.")
    kept = (chief or named)[0] if named else ("", {})
    for spot, one in listed:
        if spot == kept[0]:
            reading.leave(one, others, spot, "Of the sponsor the name is kept.")
        else:
            reading.left_out(spot, "The name of the principal sponsor is kept.")
    return str(kept[1].get("sponsor_name", ""))


def _sites(document: Mapping[str, Any], own: Any, reading: Reading) -> list[Node]:
    """Return the sites; ids and places are those that this product wrote, else the id is made of the name."""
    keys = ("site_name", "site_status", "coordinating_center", "uses_cancer_center_irb")
    found: list[Node] = []
    taken: set[str] = set()
    listed = _list(document, "site_list", "site", reading)
    written = _written(own, len(listed), reading)
    for number, (spot, one) in enumerate(listed):
        known_keys(one, keys, spot, reading)
        reading.leave(one, keys[2:], spot, "This says nothing about who matches.")
        name = "" if empty(one.get("site_name")) else str(one["site_name"])
        given = "open to accrual" if empty(one.get("site_status")) else one["site_status"]
        status = _status_word(Said(given, f"{spot}.site_status"), _SITE_STATUS, reading)
        more = written[number] if number < len(written) else {}
        reading.leave(one, [f"site_{key}" for key in ("name", "status") if key in more], spot, f"{EXTENSION} says it.")
        site = {"id": site_id(name, taken), "name": name, "status": status, **more}
        taken.add(str(site["id"]))
        found.append(reading.at(spot, site))
    return found


def _written(own: Any, sites: int, reading: Reading) -> list[Node]:
    """Return what this product wrote of each site; of a site that is not listed it has no place."""
    found: list[Node] = []
    for number, one in enumerate(own if isinstance(own, list) else ()):
        path = f"{EXTENSION}.sites[{number}]"
        if not isinstance(one, dict):
            reading.error("wrong-type", path, "This is an object.")
        elif one and number >= sites:
            reading.left_out(path, "site_list has no such site.")
        found.append(one if isinstance(one, dict) else {})
    return found


def site_id(name: str, taken: set[str]) -> str:
    """Return the id that a site's name makes, one that no other site has."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.casefold()).strip("-") or "site"
    return plain if plain not in taken else f"{plain}-{len(taken) + 1}"


def _extension(document: Mapping[str, Any], reading: Reading) -> Node:
    given = document.get(EXTENSION)
    if given is None:
        return {}
    if not isinstance(given, dict):
        reading.error("wrong-type", EXTENSION, "This is an object.")
        return {}
    known_keys(given, tuple(_EXTENDED), EXTENSION, reading)
    kept: Node = {}
    for key, kind in _EXTENDED.items():
        if isinstance(given.get(key), kind):
            kept[key] = given[key]
        elif key in given:
            reading.error("wrong-type", f"{EXTENSION}.{key}", "This has another type.")
    return kept
