"""Clinical Trial Markup Language (CTML, as MatchMiner reads it) to the native surface form. What is not understood is an error.

Items of a ``match`` list are ANDed. On a genomic leaf one ``!`` turns the whole leaf into an exclusion; on a clinical leaf
each key is negated by itself.
"""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from trialbridge.criteria.ctml_genomic import genomic
from trialbridge.criteria.diagnostics import Problems
from trialbridge.criteria.terminology.nearest import hint

_TOP: Final = {
    "protocol_no", "protocol_id", "nct_id", "nct_number", "long_title", "short_title", "title", "phase", "status", "_summary", "age",
    "sponsor_list", "site_list", "drug_list", "treatment_list", "match", "prior_treatment_requirements", "protocol_type",
    "principal_investigator", "principal_investigator_institution", "staff_list", "management_group_list", "oncology_group_list",
    "program_area_list", "disease_center_list", "protocol_target_accrual", "cancer_center_accrual_goal_upper", "data_table4",
    "protocol_ct", "last_updated", "summary",
}  # fmt: skip
_STEP: Final = {"step_code", "step_internal_id", "step_type", "arm", "match"}
_ARM: Final = {
    "arm_code",
    "arm_description",
    "arm_internal_id",
    "arm_suspended",
    "arm_type",
    "arm_eligible",
    "arm_info",
    "dose_level",
    "match",
}
_LEVEL: Final = {"level_code", "level_description", "level_internal_id", "level_suspended", "match"}
_OPEN: Final = {"open", "open to accrual", "recruiting"}
_SUSPENDED: Final = {"suspended", "suspended to accrual", "temporarily closed"}
_COMPARED: Final = re.compile(r"\s*(>=|<=|>|<|=|==)?\s*(\d+(?:\.\d+)?)\s*")
_MARKERS: Final = {"her2_status": "HER2", "er_status": "ER", "pr_status": "PR"}
_CLINICAL: Final = (
    "oncotree_primary_diagnosis", "age_numerical", "gender", "tmb_numerical", "tmb", "her2_status", "er_status", "pr_status",
    "disease_status", "number_prior_lines_therapy_allowed", "active_brain_metastases_allowed", "brca1_germline_mutation",
)  # fmt: skip
_DISEASE: Final = {
    "untreated", "localized", "locally advanced", "metastatic", "advanced", "recurrent", "refractory", "unresectable", "early stage",
}  # fmt: skip


def is_ctml(document: Any) -> bool:
    """Return whether a document is CTML rather than native."""
    return isinstance(document, dict) and ("treatment_list" in document or "protocol_no" in document)


def to_native(document: Mapping[str, Any], problems: Problems) -> dict[str, Any]:
    """Return the trial in the native surface form; notes every key and value that is not understood."""
    _known(document, _TOP, "", problems)
    titles = (document.get(name) for name in ("long_title", "title", "short_title"))
    native: dict[str, Any] = {
        "id": str(document.get("protocol_no") or document.get("protocol_id") or document.get("nct_id") or ""),
        "title": str(next((title for title in titles if title), "")),
        "nct_id": str(document.get("nct_id") or ""),
        "phase": str(document.get("phase") or ""),
        "status": _status(document),
        "drugs": [str(drug.get("drug_name", "")) for drug in _list(document, "drug_list", "drug")],
        "sponsor": next((str(one.get("sponsor_name", "")) for one in _list(document, "sponsor_list", "sponsor")), ""),
        "sites": [_site(site) for site in _list(document, "site_list", "site")],
    }
    criteria = _match(document.get("match"), "match", problems)
    arms = [
        arm
        for number, step in enumerate(_list(document, "treatment_list", "step"))
        for arm in _step(step, number, problems)
    ]
    return {**native, "criteria": criteria, "arms": arms}


def _known(given: Mapping[str, Any], allowed: set[str], path: str, problems: Problems) -> None:
    for key in given:
        if key not in allowed:
            problems.error(
                "unknown-key", f"{path}.{key}".lstrip("."), "CTML has no such key here.", hint(str(key), allowed)
            )


def _list(document: Mapping[str, Any], outer: str, inner: str) -> list[Mapping[str, Any]]:
    holder = document.get(outer)
    found = holder.get(inner) if isinstance(holder, dict) else None
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _status(document: Mapping[str, Any]) -> str:
    summary = document.get("_summary")
    listed = summary.get("status") if isinstance(summary, dict) else None
    value = listed[0].get("value") if isinstance(listed, list) and listed and isinstance(listed[0], dict) else None
    word = str(value or document.get("status") or "open").casefold()
    return "open" if word in _OPEN else "suspended" if word in _SUSPENDED else "closed"


def _site(site: Mapping[str, Any]) -> dict[str, str]:
    name = str(site.get("site_name", ""))
    word = str(site.get("site_status", "open to accrual")).casefold()
    status = "recruiting" if word in _OPEN else "suspended" if word in _SUSPENDED else "closed"
    return {"id": re.sub(r"[^a-z0-9]+", "-", name.casefold()).strip("-") or "site", "name": name, "status": status}


def _step(step: Mapping[str, Any], number: int, problems: Problems) -> Iterator[dict[str, Any]]:
    path = f"treatment_list.step[{number}]"
    _known(step, _STEP, path, problems)
    shared = _match(step.get("match"), f"{path}.match", problems)
    for place, arm in enumerate(_listed(step.get("arm"), f"{path}.arm", problems)):
        spot = f"{path}.arm[{place}]"
        if not isinstance(arm, dict):
            problems.error("wrong-type", spot, "An arm is an object.")
            continue
        _known(arm, _ARM, spot, problems)
        yield {
            "code": str(arm.get("arm_code") or arm.get("arm_internal_id") or place),
            "title": str(arm.get("arm_description") or ""),
            "status": "suspended" if _yes(arm.get("arm_suspended")) else "open",
            "criteria": _both(shared, _match(arm.get("match"), f"{spot}.match", problems)),
            "dose_levels": [
                _level(level, f"{spot}.dose_level[{n}]", problems)
                for n, level in enumerate(_listed(arm.get("dose_level"), f"{spot}.dose_level", problems))
            ],
        }


def _listed(value: Any, path: str, problems: Problems) -> list[Any]:
    """Return the members of a list, none where it is absent or (which is noted) no list."""
    if value and not isinstance(value, list):
        problems.error("wrong-type", path, "This is a list of objects.")
    return value if isinstance(value, list) else []


def _level(level: Any, path: str, problems: Problems) -> dict[str, Any]:
    if not isinstance(level, dict):
        problems.error("wrong-type", path, "A dose level is an object.")
        return {"code": path}
    _known(level, _LEVEL, path, problems)
    return {
        "code": str(level.get("level_code") or level.get("level_internal_id") or path),
        "title": str(level.get("level_description") or ""),
        "status": "suspended" if _yes(level.get("level_suspended")) else "open",
        "criteria": _match(level.get("match"), f"{path}.match", problems),
    }


def _yes(value: Any) -> bool:
    return value is True or str(value).strip().casefold() in {"y", "yes", "true"}


def _both(one: dict[str, Any] | None, other: dict[str, Any] | None) -> dict[str, Any] | None:
    return {"all": [one, other]} if one and other else one or other


def _match(items: Any, path: str, problems: Problems) -> dict[str, Any] | None:
    if items in (None, []):
        return None
    if not isinstance(items, list):
        problems.error("wrong-type", path, "match is a list.")
        return None
    return _join("all", [_node(item, f"{path}[{n}]", problems) for n, item in enumerate(items)])


def _join(group: str, members: list[dict[str, Any] | None]) -> dict[str, Any] | None:
    kept = [one for one in members if one]
    return None if not kept else kept[0] if len(kept) == 1 else {group: kept}


def _node(item: Any, path: str, problems: Problems) -> dict[str, Any] | None:
    if not isinstance(item, dict) or not item:
        problems.error("wrong-type", path, "An item of match is an object: and, or, clinical, genomic.")
        return None
    return _join("all", [_part(str(key), value, f"{path}.{key}", problems) for key, value in item.items()])


def _part(key: str, value: Any, path: str, problems: Problems) -> dict[str, Any] | None:
    # Any key that begins so is a group: people number them (or_1, and2).
    for word, group in (("and", "all"), ("or", "any")):
        if key.casefold().startswith(word):
            if not isinstance(value, list) or not value:
                problems.error("empty-group", path, "A group needs at least one criterion.")
                return None
            return _join(group, [_node(one, f"{path}[{n}]", problems) for n, one in enumerate(value)])
    if key in ("clinical", "genomic") and isinstance(value, dict):
        return _clinical(value, path, problems) if key == "clinical" else genomic(value, path, problems)
    problems.error(
        "unknown-key",
        path,
        "match takes and, or, clinical and genomic.",
        hint(key, ("and", "or", "clinical", "genomic")),
    )
    return None


def _clinical(leaf: Mapping[str, Any], path: str, problems: Problems) -> dict[str, Any] | None:
    return _join("all", [_clinical_key(str(key), value, f"{path}.{key}", problems) for key, value in leaf.items()])


def _clinical_key(key: str, value: Any, path: str, problems: Problems) -> dict[str, Any] | None:
    text = str(value).strip()
    negated = text.startswith("!")
    text = text.lstrip("!").strip()
    if key not in _CLINICAL:
        problems.error("unknown-key", path, "This clinical key is not read.", hint(key, _CLINICAL))
        return None
    words = [str(one) for one in value] if isinstance(value, list) else [text]
    native = _clinical_leaf(key, text, words, path, problems)
    return {"not": native} if negated and native else native


def _clinical_leaf(key: str, text: str, words: list[str], path: str, problems: Problems) -> dict[str, Any] | None:  # noqa: PLR0911 - one return for each key
    if key == "oncotree_primary_diagnosis":
        return {"diagnosis": {"oncotree": words}}
    if key == "gender":
        return {"sex": {"any_of": [word.casefold() for word in words]}}
    if key in _MARKERS:
        return _marker(_MARKERS[key], text, path, problems)
    if key == "disease_status":
        return _disease(words, path, problems)
    if key == "active_brain_metastases_allowed":
        return None if _yes(text) else {"stage": {"cns_metastases": ["none", "treated"]}}
    if key == "brca1_germline_mutation":
        leaf = {"variant": {"gene": "BRCA1", "source": "germline"}}
        return leaf if _yes(text) else {"not": leaf}
    return _compared(key, text, path, problems)


def _marker(marker: str, text: str, path: str, problems: Problems) -> dict[str, Any] | None:
    word = {"true": "positive", "false": "negative"}.get(text.casefold(), text.casefold())
    if word not in ("positive", "negative"):
        problems.error("bad-value", path, f"{marker} status must be Positive or Negative.")
        return None
    return {"expression": {"marker": marker, "any_of": [word]}}


def _disease(words: list[str], path: str, problems: Problems) -> dict[str, Any] | None:
    for word in words:
        if word.casefold() not in _DISEASE:
            problems.error("bad-value", path, f"No disease status {word!r}.", hint(word, _DISEASE))
    return {"disease_status": {"any_of": [word.casefold().replace(" ", "_") for word in words]}}


def _compared(key: str, text: str, path: str, problems: Problems) -> dict[str, Any] | None:
    found = _COMPARED.fullmatch(text)
    if found is None:
        problems.error("bad-value", path, "This is a comparison such as >=18.")
        return None
    sign, number = found[1] or "=", _number(found[2])
    if key.startswith("tmb"):
        names = {">=": ["min"], ">": ["above"], "<=": ["max"], "<": ["below"]}.get(sign, ["min", "max"])
        return {"signature": {"name": "tmb", "unit": "1/1000000{Base}", **dict.fromkeys(names, str(number))}}
    if key == "age_numerical":
        # Fractions of a year are months; ages are completed ones, so the birthday itself is over.
        months = number != number.to_integral_value()
        count = int((number * 12).to_integral_value()) if months else int(number)
        return {"age": {**_range(sign, count, over=count), "unit": "months" if months else "years"}}
    bounds = _range(sign, int(number), over=int(number) + 1)
    return {"prior_therapy": {f"{name}_lines": value for name, value in bounds.items()}}


def _number(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        return Decimal(0)


def _range(sign: str, count: int, *, over: int) -> dict[str, int]:
    """Return inclusive bounds; ``over`` is the first count above for ``>``."""
    if sign in (">=", ">"):
        return {"min": count if sign == ">=" else over}
    if sign in ("<=", "<"):
        return {"max": count if sign == "<=" else count - 1}
    return {"min": count, "max": count}
