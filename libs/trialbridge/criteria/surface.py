"""From what people write (one key per object) to the tagged form of the language; unknown keys are refused with a hint."""

from collections.abc import Mapping
from typing import Any, Final, get_args

import msgspec

from trialbridge.contracts.events import Site
from trialbridge.criteria import language as q
from trialbridge.criteria.diagnostics import Problems
from trialbridge.criteria.terminology.nearest import hint, nearest
from trialbridge.criteria.trial import Arm, DoseLevel, Trial
from trialbridge.criteria.values import field_value

NODES: Final[dict[str, type[q.Node]]] = {str(kind.__struct_config__.tag): kind for kind in get_args(q.Criterion)}
GROUPS: Final = ("all", "any", "not", "at_least")
DEEPEST: Final = 200
"""How deeply groups may be nested."""
_TYPES: Final[tuple[type[msgspec.Struct], ...]] = (Trial, Arm, DoseLevel, Site, *NODES.values())
_FIELDS: Final = {kind: {field.name: field.type for field in msgspec.structs.fields(kind)} for kind in _TYPES}
OTHER_NAMES: Final = {
    "and": "all", "or": "any", "none": "not", "birth_date": "age", "gender": "sex", "deceased": "vital_status", "address": "location",
    "distance": "location", "cancer_type": "diagnosis", "oncotree": "diagnosis", "morphology": "histology", "tnm": "stage",
    "metastases": "stage", "recurrence": "disease_status", "ecog_status": "performance", "karnofsky": "performance",
    "lansky": "performance", "mutation": "variant", "genomic": "variant", "cnv": "copy_number", "amplification": "copy_number",
    "translocation": "fusion", "structural_variant": "fusion", "rearrangement": "fusion", "wildtype": "wild_type", "tmb": "signature",
    "msi": "signature", "mmr": "signature", "her2": "expression", "pd-l1": "expression", "ihc": "expression", "treatment": "prior_therapy",
    "therapy": "prior_therapy", "prior_lines": "prior_therapy", "washout": "prior_therapy", "comorbidity": "condition",
    "drug": "medication", "surgery": "procedure", "laboratory": "lab", "observation": "lab", "blood_pressure": "vital",
}  # fmt: skip
"""What people call kinds of criteria elsewhere; a hint names ours."""
_NESTED: Final = frozenset({"criteria", "arms", "dose_levels", "sites"})
"""Fields of trials and arms that have readers of their own."""


def tagged_trial(document: Any, problems: Problems) -> dict[str, Any] | None:
    """Return the document with all criteria tagged, None where it is no object; notes what is wrong."""
    if not isinstance(document, dict):
        problems.error("not-a-trial", "", "A trial is an object with id, title and criteria.")
        return None
    known = _particulars(Trial, document, "", problems)
    if not str(known.get("id", "")).strip():
        problems.error("no-id", "id", "A trial needs an id.")
    known["sites"] = [
        _particulars(Site, site, place, problems) for site, place in _objects(document, "sites", "", problems)
    ]
    known["arms"] = [_arm(arm, place, problems) for arm, place in _objects(document, "arms", "", problems)]
    return known


def _arm(arm: Mapping[Any, Any], path: str, problems: Problems) -> dict[str, Any]:
    known = _coded(Arm, arm, path, problems)
    levels = _objects(arm, "dose_levels", f"{path}.", problems)
    known["dose_levels"] = [_coded(DoseLevel, level, place, problems) for level, place in levels]
    return known


def _coded(kind: type[msgspec.Struct], given: Mapping[Any, Any], path: str, problems: Problems) -> dict[str, Any]:
    known = _particulars(kind, given, path, problems)
    if not str(known.get("code", "")).strip():
        problems.error("no-code", f"{path}.code", "An arm or dose level needs a code.")
    return known


def _particulars(kind: type[msgspec.Struct], given: Mapping[Any, Any], path: str, problems: Problems) -> dict[str, Any]:
    """Return the fields of a trial, arm, dose level or site, with its criteria tagged."""
    known = _checked(kind, given, path, problems)
    if given.get("criteria") is not None and "criteria" in _FIELDS[kind]:
        known["criteria"] = tagged(given["criteria"], f"{path}.criteria".lstrip("."), problems) or None
    if kind is Site and not known.get("id"):
        problems.error("no-id", f"{path}.id", "A site needs an id.")
    return known


def _objects(
    holder: Mapping[Any, Any], key: str, prefix: str, problems: Problems
) -> list[tuple[Mapping[Any, Any], str]]:
    """Return the objects of a list with their paths."""
    value = holder.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        problems.error("wrong-type", f"{prefix}{key}", "This is a list of objects.")
        return []
    found: list[tuple[Mapping[Any, Any], str]] = []
    for number, one in enumerate(value):
        place = f"{prefix}{key}[{number}]"
        if isinstance(one, dict):
            found.append((one, place))
        else:
            problems.error("wrong-type", place, "This is an object.")
    return found


def tagged(node: Any, path: str, problems: Problems, depth: int = 0) -> dict[str, Any]:
    """Return one criterion in tagged form; an empty object where anything is wrong with it, or nothing sound is left in it."""
    if isinstance(node, list):
        problems.error(
            "bare-list", path, "A list of criteria needs a group: all, any or at_least.", "did you mean 'all'?"
        )
        return {}
    if not isinstance(node, dict) or len(node) != 1:
        problems.error("not-one-key", path, "A criterion is an object with exactly one key, its kind.")
        return {}
    kind, body = next(iter(node.items()))
    place = f"{path}.{kind}"
    if kind not in NODES:
        problems.error("unknown-key", place, "There is no criterion of this kind.", _kind_hint(str(kind)))
        return {}
    return _group(kind, body, place, problems, depth + 1) if kind in GROUPS else _leaf(kind, body, place, problems)


def _kind_hint(word: str) -> str:
    """Return the nearest kind, by its own name or another one that people use for it."""
    near = nearest(word, (*NODES, *OTHER_NAMES))
    return f"did you mean {OTHER_NAMES.get(near, near)!r}?" if near else ""


def _leaf(kind: str, body: Any, place: str, problems: Problems) -> dict[str, Any]:
    if not isinstance(body, dict):
        problems.error("wrong-type", place, "What is asked for is an object.")
        return {}
    known = len(problems.found)
    leaf = {"kind": kind, **_checked(NODES[kind], body, place, problems)}
    return {} if any(one.severity == "error" for one in problems.found[known:]) else leaf


def _group(kind: str, body: Any, place: str, problems: Problems, depth: int) -> dict[str, Any]:
    if depth > DEEPEST:
        problems.error("too-large", place, f"Groups may be nested {DEEPEST} times.")
        return {}
    if kind == "not":
        inner = tagged(body, place, problems, depth)
        return {"kind": kind, "of": inner} if inner else {}
    if kind == "at_least":
        return _at_least(body, place, problems, depth)
    members = _members(body, place, problems, depth)
    return {"kind": kind, "of": members} if members else {}


def _at_least(body: Any, place: str, problems: Problems, depth: int) -> dict[str, Any]:
    if not isinstance(body, dict):
        problems.error("wrong-type", place, "at_least is an object with count and of.")
        return {}
    known = _checked(q.AtLeast, {key: value for key, value in body.items() if key != "of"}, place, problems)
    if "count" not in known:
        problems.error("no-count", f"{place}.count", "at_least needs a count.")
    members = _members(body.get("of"), f"{place}.of", problems, depth)
    return {"kind": "at_least", **known, "of": members} if "count" in known and members else {}


def _members(members: Any, place: str, problems: Problems, depth: int) -> list[dict[str, Any]]:
    if not isinstance(members, list):
        problems.error("wrong-type", place, "A group is a list of criteria.")
        return []
    if not members:
        problems.error("empty-group", place, "A group needs at least one criterion.")
    found, sound = [], False
    for number, one in enumerate(members):
        node = tagged(one, f"{place}[{number}]", problems, depth)
        # What could not be read is noted; the others are looked at all the same, each in its own place.
        found.append(node or {"kind": "histology", "names": [f"not read: {place}[{number}]"]})
        sound = sound or bool(node)
    return found if sound else []


def _checked(kind: type[msgspec.Struct], given: Mapping[Any, Any], path: str, problems: Problems) -> dict[str, Any]:
    """Return the fields that are known and of the right type; a required one that is missing is noted."""
    types = _FIELDS[kind]
    known: dict[str, Any] = {}
    for key, value in given.items():
        place = f"{path}.{key}".lstrip(".")
        if key not in types:
            problems.error("unknown-key", place, "There is no such key here.", hint(str(key), types))
        elif (
            (key not in _NESTED or issubclass(kind, q.Node))
            and value is not None
            and not (value == [] and kind is Trial)
        ):
            known[key] = field_value(value, types[key], place, problems)
    if issubclass(kind, q.Node) and kind is not q.AtLeast:
        for field in msgspec.structs.fields(kind):
            if field.required and field.name not in known:
                problems.error("no-value", f"{path}.{field.name}", f"{path.rsplit('.', 1)[-1]} needs {field.name}.")
    return known
