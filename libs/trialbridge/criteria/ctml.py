"""Clinical Trial Markup Language (CTML) to the native surface form. What is not understood is an error, never left out.

Three dialects are read: MatchMiner's (``exon``, ``…_signature: Yes``, ``tmb_numerical``), that of CTIMS (``true_transcript_exon``,
``…_status``, ``tmb``, ``prior_treatment`` leaves, ``match_all``) and that of OncoKB's curation tool (``no_`` keys,
``annotated_variant``, ``germline``). Of whatever has no place in the native form a warning or, for labels and numbering
(``step_code``, ``arm_internal_id`` …), a note says so. What CTML has no key for (laboratory, review, …) stands in
``_trialbridge`` where this product wrote the file.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from trialbridge.criteria.ctml_match import both, match
from trialbridge.criteria.ctml_particulars import known_keys, particulars
from trialbridge.criteria.ctml_reading import Node, Reading, Said, empty, flag_of

STEP_KEYS: Final = ("step_code", "step_internal_id", "step_type", "arm", "match")
ARM_KEYS: Final = (
    "arm_code", "arm_name", "arm_description", "arm_internal_id", "arm_suspended", "arm_type", "arm_eligible", "arm_eligibility",
    "arm_info", "arm_status", "additional_criteria_requirement_names", "drugs", "dose_level", "match",
)  # fmt: skip
LEVEL_KEYS: Final = ("level_code", "level_description", "level_internal_id", "level_suspended", "level_status", "match")
_ARM_NOT_KEPT: Final = ("arm_type", "arm_eligible", "arm_info", "drugs")
_ARM_TEXT: Final = ("arm_eligibility", "additional_criteria_requirement_names")


def is_ctml(document: Any) -> bool:
    """Return whether a document is CTML rather than native."""
    return isinstance(document, dict) and ("treatment_list" in document or "protocol_no" in document)


def to_native(document: Mapping[str, Any], reading: Reading) -> Node:
    """Return the trial in the native surface form; notes every key and value that is not understood."""
    native = particulars(document, reading)
    native["criteria"] = match(document.get("match"), "match", reading)
    steps = _objects(document.get("treatment_list"), "step", "treatment_list", reading)
    native["arms"] = [arm for path, step in steps for arm in _step(step, path, reading)]
    _number_codes(native["arms"])
    _check_age_group(document, reading)
    return native


def _objects(holder: Any, key: str, path: str, reading: Reading) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the objects of a list inside of an object with their paths."""
    if holder is None:
        return []
    if not isinstance(holder, dict):
        reading.error("wrong-type", path, f"This is an object with {key}.")
        return []
    known_keys(holder, (key,), path, reading)
    return _listed(holder.get(key), f"{path}.{key}", reading)


def _listed(value: Any, path: str, reading: Reading) -> list[tuple[str, Mapping[str, Any]]]:
    if not empty(value) and not isinstance(value, list):
        reading.error("wrong-type", path, "This is a list of objects.")
        return []
    found = [(f"{path}[{number}]", one) for number, one in enumerate(value or ())]
    for spot, one in found:
        if not isinstance(one, dict):
            reading.error("wrong-type", spot, "This is an object.")
    return [(spot, one) for spot, one in found if isinstance(one, dict)]


def _step(step: Mapping[str, Any], path: str, reading: Reading) -> Iterator[Node]:
    known_keys(step, STEP_KEYS, path, reading)
    shared = match(step.get("match"), f"{path}.match", reading)
    arms = _listed(step.get("arm"), f"{path}.arm", reading)
    if not arms and shared:
        # A step without arms is itself what patients enter.
        code = _code(step, ("step_code", "step_internal_id"), path, reading)
        yield reading.at(path, {"code": code, "title": "", "status": "open", "criteria": shared, "dose_levels": []})
    elif arms:
        reading.leave(step, ("step_code", "step_internal_id"), path, "Arms have codes of their own.")
    else:
        reading.left_out(path, "A step without arms and criteria takes no patients.")
    reading.leave(step, ("step_type",), path, "This says nothing about who matches.")
    for spot, arm in arms:
        yield _arm(arm, shared, spot, reading)


def _arm(arm: Mapping[str, Any], shared: Node | None, path: str, reading: Reading) -> Node:
    known_keys(arm, ARM_KEYS, path, reading)
    _free_text(arm, path, reading)
    own = match(arm.get("match"), f"{path}.match", reading)
    return reading.at(
        path,
        {
            "code": _code(arm, ("arm_code", "arm_name", "arm_internal_id"), path, reading),
            "title": _text(arm, "arm_description"),
            "status": _suspended(arm, ("arm_status", "arm_suspended"), path, reading),
            "criteria": both(shared, own, path, reading),
            "dose_levels": [
                _level(level, spot, reading)
                for spot, level in _listed(arm.get("dose_level"), f"{path}.dose_level", reading)
            ],
        },
    )


def _level(level: Mapping[str, Any], path: str, reading: Reading) -> Node:
    known_keys(level, LEVEL_KEYS, path, reading)
    return reading.at(
        path,
        {
            "code": _code(level, ("level_code", "level_internal_id"), path, reading),
            "title": _text(level, "level_description"),
            "status": _suspended(level, ("level_status", "level_suspended"), path, reading),
            "criteria": match(level.get("match"), f"{path}.match", reading),
        },
    )


def _code(holder: Mapping[str, Any], keys: tuple[str, ...], path: str, reading: Reading) -> str:
    """Return what the first of the keys says; the others have no place beside it."""
    given = [key for key in keys if not empty(holder.get(key))]
    reading.leave(holder, given[1:], path, f"{given[0] if given else path} is the code.")
    return str(holder[given[0]]) if given else path


def _text(holder: Mapping[str, Any], key: str) -> str:
    return "" if empty(holder.get(key)) else str(holder[key])


def _suspended(holder: Mapping[str, Any], keys: tuple[str, ...], path: str, reading: Reading) -> str:
    """Return the status of an arm or dose level; ``Y``, or a status word, closes it, whatever another key says."""
    said: dict[str, str] = {}
    for key in keys:
        if not empty(holder.get(key)):
            word = str(holder[key]).strip().casefold()
            flag = None if word in _STATUS else flag_of(Said(holder[key], f"{path}.{key}"), reading)
            said[key] = word if word in _STATUS else "suspended" if flag else "open"
    found = next((word for word in _STATUS if word in said.values()), "open")
    decisive = next((key for key, word in said.items() if word == found), "")
    reading.leave(holder, [key for key in said if key != decisive], path, f"{decisive} is what counts.")
    return found


_STATUS: Final = ("closed", "suspended", "open")
"""The strictest first."""


def _free_text(arm: Mapping[str, Any], path: str, reading: Reading) -> None:
    for key in _ARM_TEXT:
        if not empty(arm.get(key)):
            reading.warn("free-text", f"{path}.{key}", "Free text is not matched: write what it asks for as criteria.")
    for key in _ARM_NOT_KEPT:
        if not empty(arm.get(key)):
            reading.warn("not-kept", f"{path}.{key}", "This says nothing about who matches and is not kept.")


def _number_codes(arms: list[Node]) -> None:
    """Give arms of several steps that share a code one of their own (``A``, ``A/2``)."""
    seen: dict[str, int] = {}
    for arm in arms:
        seen[arm["code"]] = seen.get(arm["code"], 0) + 1
        if seen[arm["code"]] > 1:
            arm["code"] = f"{arm['code']}/{seen[arm['code']]}"


def _check_age_group(document: Mapping[str, Any], reading: Reading) -> None:
    """Warn where the age group is all that is said of age: no criterion comes of it."""
    given = [key for key in ("age", "age_group") if not empty(document.get(key))]
    if reading.asks_for("age"):
        reading.leave(document, given, "", "The criteria say the age.")
        return
    for key in given:
        message = "The age group alone matches nobody in or out."
        reading.warn("free-text", key, message, "write a clinical leaf with age_numerical")
