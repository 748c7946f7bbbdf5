"""Clinical and prior treatment leaves of CTML to native criteria; on a clinical leaf each key is negated by itself."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from trialbridge.criteria.ctml_reading import Node, Reading, Said, chosen, flag_of, said_of, text_of, words_of
from trialbridge.criteria.terminology import drugs
from trialbridge.criteria.terminology.nearest import hint

COMPARISON: Final = re.compile(r"(>=|<=|==|>|<|=)? ?(\d+(?:\.\d+)?|\.\d+)")
MARKERS: Final = {"her2_status": "HER2", "er_status": "ER", "pr_status": "PR"}
MARKER_WORDS: Final = {"positive": "positive", "negative": "negative", "true": "positive", "false": "negative"}
DISEASE: Final = {
    word.replace("_", " "): word
    for word in (
        "untreated", "localized", "locally_advanced", "metastatic", "advanced", "recurrent", "refractory", "unresectable",
        "early_stage",
    )
}  # fmt: skip
"""CTML's words of the disease's course and extent, in lower case, and the native ones."""
GENDERS: Final = {"male": "male", "female": "female", "x": "other", "other": "other"}
CATEGORIES: Final = {"medicaltherapy": "systemic", "surgery": "surgery", "radiationtherapy": "radiation"}
NO_ACTIVE_BRAIN: Final = ("none", "treated")
"""What ``active_brain_metastases_allowed: No`` leaves of the native words."""
_ROUNDED: Final = Decimal("0.05")
"""How far from a whole month a fraction of a year with two or three digits may be."""
_ANY_LINES: Final = frozenset({"any", "unknown"})
_NO_BOUND: Final = "This asks for nothing, so nothing is made of it."


def clinical(given: Any, path: str, reading: Reading) -> list[Node]:
    """Return the criteria of a clinical leaf, all of which must be met."""
    found = said_of(given, path, reading, tuple(_KEYS), "clinical")
    nodes = []
    for key, said in found.items():
        before = len(reading.problems.found)
        node = _KEYS[key](key, said, reading)
        if node is not None and not reading.refused_since(before):
            # Negating a negative answer asks for the positive one.
            opposite = node.get("not") or reading.negation(node, said.path)
            nodes.append(opposite if said.negated else node)
        elif said.negated and not reading.refused_since(before):
            reading.error("never-met", said.path, "The negation of what asks for nothing: nobody would match.")
    return nodes


def _diagnosis(_key: str, said: Said, reading: Reading) -> Node | None:
    return _list("diagnosis", "oncotree", said, reading)


def _list(kind: str, field: str, said: Said, reading: Reading, **more: str) -> Node | None:
    words = words_of(said, reading)
    fields = {name: Said(value, said.path) for name, value in more.items()}
    return reading.leaf(kind, said.path, {**fields, field: Said(words, said.path)}) if words else None


def _gender(_key: str, said: Said, reading: Reading) -> Node | None:
    words = [chosen(Said(word, said.path), GENDERS, "gender", reading) for word in words_of(said, reading)]
    return reading.leaf("sex", said.path, {"any_of": Said(words, said.path)}) if words and None not in words else None


def _marker(key: str, said: Said, reading: Reading) -> Node | None:
    if text_of(said, reading).casefold() == "unknown":
        _nothing(said, reading)
        return None
    status = chosen(said, MARKER_WORDS, "status", reading)
    fields = {"marker": Said(MARKERS[key], said.path), "any_of": Said([status], said.path)}
    return reading.leaf("expression", said.path, fields) if status else None


def _nothing(said: Said, reading: Reading) -> None:
    reading.warn("asks-nothing", said.path, _NO_BOUND, "leave the key out")


def _other_marker(_key: str, said: Said, reading: Reading) -> Node | None:
    found = [
        reading.leaf(
            "expression", said.path, {"marker": Said(word, said.path), "any_of": Said(["positive"], said.path)}
        )
        for word in words_of(said, reading)
    ]
    return found[0] if len(found) == 1 else reading.group("any", found, said.path) if found else None


def _disease(_key: str, said: Said, reading: Reading) -> Node | None:
    words = []
    for word in words_of(said, reading):
        plain = word.replace("_", " ").casefold()
        if plain not in DISEASE:
            message = f"There is no disease status {word!r}."
            reading.error("unknown-word", said.path, message, hint(plain, DISEASE))
        else:
            words.append(DISEASE[plain])
    return reading.leaf("disease_status", said.path, {"any_of": Said(words, said.path)}) if words else None


def _brain(_key: str, said: Said, reading: Reading) -> Node | None:
    allowed = flag_of(said, reading)
    if allowed:
        reading.left_out(said.path, "Allowing them asks for nothing.")
    if allowed is not False:
        return None
    return reading.leaf("stage", said.path, {"cns_metastases": Said(list(NO_ACTIVE_BRAIN), said.path)})


def _brca1(_key: str, said: Said, reading: Reading) -> Node | None:
    table = {"positive": True, "yes": True, "true": True, "negative": False, "no": False, "false": False}
    found = chosen(said, table, "status", reading)
    fields = {"gene": Said("BRCA1", said.path), "source": Said("germline", said.path)}
    leaf = reading.leaf("variant", said.path, fields)
    return None if found is None else leaf if found else reading.negation(leaf, said.path)


def compared(said: Said, reading: Reading) -> tuple[str, str] | None:
    """Return sign and number of a comparison such as ``>=18``, None (which is noted) where it is none."""
    found = COMPARISON.fullmatch(text_of(said, reading))
    if found is None:
        reading.error("bad-comparison", said.path, "This is no comparison with a number.", "write it like >=18")
        return None
    return {None: "=", "==": "="}.get(found[1], found[1] or "="), found[2]


def _age(_key: str, said: Said, reading: Reading) -> Node | None:
    found = compared(said, reading)
    if found is None:
        return None
    sign, number = found[0], Decimal(found[1])
    # Fractions of a year are months; ages are completed ones, so that the birthday itself is over.
    months = number != number.to_integral_value()
    count = int((number * 12).to_integral_value()) if months else int(number)
    if months and abs(number * 12 - count) > _ROUNDED:
        reading.left_out(said.path, f"Ages are compared in whole months: this is taken for {count}.")
    if sign == "<" and count == 0:
        reading.error("never-met", said.path, "Nobody is younger than nothing.")
        return None
    return _bounded("age", said, _whole(sign, count, over=count), reading, unit="months" if months else "years")


def _whole(sign: str, count: int, *, over: int) -> dict[str, int]:
    """Return inclusive bounds; ``over`` is the first count above for ``>``."""
    if sign in (">=", ">"):
        return {"min": count if sign == ">=" else over}
    if sign in ("<=", "<"):
        return {"max": count if sign == "<=" else count - 1}
    return {"min": count, "max": count}


def _bounded(kind: str, said: Said, bounds: Mapping[str, Any], reading: Reading, **more: str) -> Node:
    fields = {name: Said(value, said.path) for name, value in {**bounds, **more}.items()}
    return reading.leaf(kind, said.path, fields)


def _burden(_key: str, said: Said, reading: Reading) -> Node | None:
    found = compared(said, reading)
    if found is None:
        return None
    names = {">=": ["min"], ">": ["above"], "<=": ["max"], "<": ["below"]}.get(found[0], ["min", "max"])
    return _bounded("signature", said, dict.fromkeys(names, str(Decimal(found[1]))), reading, name="tmb")


def _lines(_key: str, said: Said, reading: Reading) -> Node | None:
    if (word := text_of(said, reading).casefold()) in _ANY_LINES:
        if word == "unknown":
            _nothing(said, reading)
        else:
            reading.left_out(said.path, "Any number of lines asks for nothing.")
        return None
    found = compared(said, reading)
    if found is None or not found[1].isdigit() or (found[0], found[1]) == ("<", "0"):
        if found:
            reading.error("bad-comparison", said.path, "Lines of therapy are a whole number.", "write it like <=2")
        return None
    bounds = _whole(found[0], int(found[1]), over=int(found[1]) + 1)
    return _bounded("prior_therapy", said, {f"{name}_lines": value for name, value in bounds.items()}, reading)


_KEYS: Final[Mapping[str, Callable[[str, Said, Reading], Node | None]]] = {
    "oncotree_primary_diagnosis": _diagnosis,
    "age_numerical": _age,
    "age_expression": _age,
    "gender": _gender,
    "tmb_numerical": _burden,
    "tmb": _burden,
    "her2_status": _marker,
    "er_status": _marker,
    "pr_status": _marker,
    "disease_status": _disease,
    "molecular_marker_other": _other_marker,
    "number_prior_lines_therapy_allowed": _lines,
    "active_brain_metastases_allowed": _brain,
    "brca1_germline_mutation": _brca1,
}
CLINICAL_KEYS: Final = tuple(_KEYS)
TREATMENT_KEYS: Final = {
    "agent": "drugs",
    "prior_treatment_agent": "drugs",
    "drug": "drugs",
    "agent_class": "classes",
    "prior_treatment_agent_class": "classes",
    "treatment_subcategory": "classes",
    "medical_therapy_subtype": "classes",
    "treatment_category": "categories",
    "prior_treatment_category": "categories",
}
"""Keys of a prior treatment leaf in all dialects, and the native field that each asks about."""
_FREE: Final = ("surgery_type", "radiation_type", "radiation_site")


def treatment(given: Any, path: str, reading: Reading) -> list[Node]:
    """Return the criterion of a prior treatment leaf; one ``!`` turns the whole leaf into an exclusion."""
    before = len(reading.problems.found)
    found = said_of(given, path, reading, (*TREATMENT_KEYS, *_FREE), "prior treatment")
    fields: dict[str, Said] = {}
    for key, said in found.items():
        if key in _FREE:
            reading.error("free-text", said.path, "Free text cannot be matched.", "ask for the category or the agent")
            continue
        name = TREATMENT_KEYS[key]
        words = _categories(said, reading) if name == "categories" else words_of(said, reading)
        if name == "classes":
            words = [_class(word) for word in words]
        if name in fields:
            reading.error("duplicate-key", said.path, "Another key of this leaf asks the same; give each a leaf.")
        fields[name] = Said(words, said.path)
    if not fields or reading.refused_since(before):
        return []
    node = reading.leaf("prior_therapy", path, fields)
    return [reading.negation(node, path) if any(said.negated for said in found.values()) else node]


def _categories(said: Said, reading: Reading) -> list[str]:
    words = [
        (word, CATEGORIES.get(word.replace(" ", "").replace("_", "").casefold())) for word in words_of(said, reading)
    ]
    for word, known in words:
        if known is None:
            reading.error("unknown-word", said.path, f"There is no category {word!r}.", hint(word, CATEGORIES))
    return [known for _, known in words if known]


def _class(word: str) -> str:
    """Return a class of drugs by its usual name, however many of them it means (``Inhibitors``)."""
    plain = word.casefold()
    return plain[:-1] if plain.endswith("s") and plain[:-1] in drugs.classes() else word
