"""From what people write (one key per object) to the tagged form of the language; unknown keys are refused with a hint."""

from collections.abc import Mapping
from typing import Any, Final, get_args

import msgspec

from trialbridge.criteria import language as q
from trialbridge.criteria.diagnostics import Problems
from trialbridge.criteria.terminology.nearest import hint

NODES: Final[dict[str, type[q.Node]]] = {str(kind.__struct_config__.tag): kind for kind in get_args(q.Criterion)}
GROUPS: Final = ("all", "any", "not", "at_least")
_TRIAL_KEYS: Final = tuple(field.name for field in msgspec.structs.fields(q.Trial))
_ARM_KEYS: Final = tuple(field.name for field in msgspec.structs.fields(q.Arm))
_LEVEL_KEYS: Final = tuple(field.name for field in msgspec.structs.fields(q.DoseLevel))
_TUPLES: Final = "tuple"


def tagged_trial(document: Any, problems: Problems) -> dict[str, Any] | None:
    """Return the document with all criteria tagged, None where it is no object; notes what is wrong."""
    if not isinstance(document, dict):
        problems.error("not-a-trial", "", "A trial is an object with id, title and criteria.")
        return None
    known = _only(document, _TRIAL_KEYS, "", problems)
    if not known.get("id"):
        problems.error("no-id", "id", "A trial needs an id.")
    _with_criteria(known, "", problems)
    arms = _objects(known, "arms", "", problems)
    known["arms"] = [_arm(arm, f"arms[{number}]", problems) for number, arm in enumerate(arms)]
    return known


def _arm(arm: Mapping[str, Any], path: str, problems: Problems) -> dict[str, Any]:
    known = _only(arm, _ARM_KEYS, path, problems)
    _with_criteria(known, f"{path}.", problems)
    levels = []
    for number, level in enumerate(_objects(known, "dose_levels", f"{path}.", problems)):
        place = f"{path}.dose_levels[{number}]"
        kept = _only(level, _LEVEL_KEYS, place, problems)
        _with_criteria(kept, f"{place}.", problems)
        levels.append(kept)
    known["dose_levels"] = levels
    return known


def _objects(holder: Mapping[str, Any], key: str, prefix: str, problems: Problems) -> list[Mapping[str, Any]]:
    value = holder.get(key) or []
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        problems.error("wrong-type", f"{prefix}{key}", "This is a list of objects.")
        return []
    return value


def _with_criteria(holder: dict[str, Any], prefix: str, problems: Problems) -> None:
    if holder.get("criteria") is not None:
        holder["criteria"] = tagged(holder["criteria"], f"{prefix}criteria", problems)


def tagged(node: Any, path: str, problems: Problems) -> dict[str, Any]:
    """Return one criterion in tagged form; an empty object where it cannot be."""
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
        problems.error("unknown-key", place, "There is no criterion of this kind.", hint(str(kind), NODES))
        return {}
    if kind in GROUPS:
        return _group(kind, body, place, problems)
    if not isinstance(body, dict):
        problems.error("wrong-type", place, "What is asked for is an object.")
        return {}
    return {"kind": kind, **_leaf(NODES[kind], body, place, problems)}


def _group(kind: str, body: Any, place: str, problems: Problems) -> dict[str, Any]:
    if kind == "not":
        return {"kind": kind, "of": tagged(body, place, problems)}
    members = body
    extra: dict[str, Any] = {}
    if kind == "at_least":
        if not isinstance(body, dict):
            problems.error("wrong-type", place, "at_least is an object with count and of.")
            return {}
        known = _only(body, ("count", "of"), place, problems)
        extra, members = {"count": known.get("count")}, known.get("of")
        place = f"{place}.of"
    if not isinstance(members, list):
        problems.error("wrong-type", place, "A group is a list of criteria.")
        return {}
    if not members:
        problems.error("empty-group", place, "A group needs at least one criterion.")
    return {"kind": kind, **extra, "of": [tagged(one, f"{place}[{n}]", problems) for n, one in enumerate(members)]}


def _leaf(kind: type[q.Node], body: Mapping[str, Any], place: str, problems: Problems) -> dict[str, Any]:
    fields = {field.name: field for field in msgspec.structs.fields(kind)}
    known = _only(body, tuple(fields), place, problems)
    for name, value in known.items():
        # One word may stand for a list of one.
        listed = _TUPLES in str(fields[name].type) and not isinstance(value, list)
        if listed and value is not None:
            known[name] = [value]
    return known


def _only(given: Mapping[Any, Any], allowed: tuple[str, ...], path: str, problems: Problems) -> dict[str, Any]:
    known = {}
    for key, value in given.items():
        if key in allowed:
            known[key] = value
        else:
            place = f"{path}.{key}".lstrip(".")
            problems.error("unknown-key", place, "There is no such key here.", hint(str(key), allowed))
    return known
