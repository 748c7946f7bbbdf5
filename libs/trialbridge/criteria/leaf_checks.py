"""The compiler's checks of each leaf kind: terms in standard form, codes that could be one, values that could be met."""

import re
from collections.abc import Callable, Iterable
from typing import Any, Final

import msgspec

from trialbridge.criteria import doubts
from trialbridge.criteria import genomic_checks as g
from trialbridge.criteria import language as q
from trialbridge.criteria.bounds import XULN
from trialbridge.criteria.diagnostics import Problems
from trialbridge.criteria.leaf_words import asked, known_words
from trialbridge.criteria.site_distances import written
from trialbridge.criteria.terminology import (
    conditions,
    crosswalk,
    drugs,
    genes,
    labs,
    markers,
    oncotree,
    places,
    sites,
    stages,
    units,
)
from trialbridge.criteria.terminology.nearest import hint

Check = Callable[[Any, str, Problems], Any]
_ICD10: Final = re.compile(r"[A-Z]\d[0-9A-Z](?:\.?[0-9A-Z]{1,4})?")
_MORPHOLOGY: Final = re.compile(r"\d{4}/\d")
_DIGITS: Final = re.compile(r"\d{6,18}")
_LOINC: Final = re.compile(r"\d{1,7}-\d")
_SHAPES: Final = (
    ("icd10", _ICD10, "C34.1"),
    ("icdo3", _MORPHOLOGY, "8140/3"),
    ("snomed", _DIGITS, "254637007"),
)
_TOP: Final = {"ecog": 5, "karnofsky": 100, "lansky": 100}
_SCORES: Final = {"cps": 100, "ic": 100, "ihc": 3, "percent": 100, "ratio": 100, "tc": 100, "tps": 100}
_RESPONSES: Final = ("cr", "pr", "sd", "pd")
_MOST_LINES: Final = 50
_MOST_HALF_LIVES: Final = 100
_FARTHEST: Final = 20_000
"""Kilometres; no two places on earth are much farther apart."""


def _check_codes(node: Any, place: str, problems: Problems) -> None:
    for name, shape, example in _SHAPES:
        for number, code in enumerate(getattr(node, name, ())):
            if not shape.fullmatch(code.strip().upper()):
                message = f"{code!r} is not such a code."
                problems.error("bad-code", f"{place}.{name}[{number}]", message, f"write it like {example}")


def _age(node: q.Age, place: str, problems: Problems) -> q.Age:
    asked(node, ("min", "max"), place, problems)
    longest = {"years": 160, "months": 1920, "weeks": 8_350, "days": 58_400}[node.unit]
    for name in ("min", "max"):
        value = getattr(node, name)
        if value is not None and not 0 <= value <= longest:
            problems.error("bad-number", f"{place}.{name}", f"An age is from 0 to {longest} {node.unit}.")
    return node


def _diagnosis(node: q.Diagnosis, place: str, problems: Problems) -> q.Diagnosis:
    asked(node, ("oncotree", "icd10", "icdo3", "snomed"), place, problems)
    _check_codes(node, place, problems)
    found = []
    for number, term in enumerate(node.oncotree):
        code = _term(term, f"{place}.oncotree[{number}]", problems)
        if code is not None:
            found.append(code)
    for number, code in enumerate(node.icd10):
        if not crosswalk.from_icd10(code):
            problems.warn("unmapped-code", f"{place}.icd10[{number}]", "Only records with this very code can match.")
    for doubt in doubts.covered(tuple(dict.fromkeys(found))) if len(found) == len(node.oncotree) else ():
        problems.warn(doubt.code, f"{place}.oncotree[{doubt.number}]", doubt.message)
    return msgspec.structs.replace(node, oncotree=tuple(dict.fromkeys(found)))


def _term(term: str, spot: str, problems: Problems) -> str | None:
    """Return the OncoTree code of a term; a former code is warned of, one that is none or several terms is noted."""
    code, narrower = oncotree.resolve(term), oncotree.coarse(term)
    if narrower:
        nearest = f"is less than {oncotree.name(code)}, its nearest OncoTree term" if code else "may be several terms"
        problems.error("coarse-term", spot, f"{term!r} {nearest}: name what is meant.", narrower)
        return None
    if code is None:
        message = f"OncoTree has no term {term!r} (in the table in use)."
        problems.error("unknown-term", spot, message, hint(term, oncotree.spellings()))
    elif oncotree.former(term):
        message = f"{term!r} is a former code; the current one is {code} ({oncotree.name(code)})."
        problems.warn("former-term", spot, message, f"write {code}")
    return code


def _histology(node: q.Histology, place: str, problems: Problems) -> q.Histology:
    asked(node, ("icdo3", "snomed", "names"), place, problems)
    _check_codes(node, place, problems)
    return node


def _stage(node: q.Stage, place: str, problems: Problems) -> q.Stage:
    asked(node, ("group", "t", "n", "m", "metastatic", "metastatic_sites", "cns_metastases"), place, problems)
    if node.metastatic is False and node.metastatic_sites:
        problems.error("contradiction", place, "Sites of metastasis are asked for, and no metastasis.")
    groups = []
    for number, word in enumerate(node.group):
        group = stages.group(word)
        if group is None:
            message = f"There is no stage group {word!r}."
            problems.error("unknown-term", f"{place}.group[{number}]", message, "write it like IV or IIIA")
        groups.append(group or word)
    for axis in ("t", "n", "m"):
        for number, word in enumerate(getattr(node, axis)):
            if stages.category(axis, word) is None:
                message = f"{word!r} is no {axis.upper()} category."
                problems.error("unknown-term", f"{place}.{axis}[{number}]", message, f"write it like {axis.upper()}1")
    places = tuple(
        _site(word, f"{place}.metastatic_sites[{number}]", problems)
        for number, word in enumerate(node.metastatic_sites)
    )
    return msgspec.structs.replace(node, group=tuple(groups), metastatic_sites=places)


def _site(word: str, place: str, problems: Problems) -> str:
    found = sites.named(word)
    if found is None and not _DIGITS.fullmatch(word.strip()):
        problems.error("unknown-term", place, f"There is no site {word!r} here.", hint(word, sites.known()))
    return found or word.strip()


def _performance(node: q.Performance, place: str, problems: Problems) -> q.Performance:
    asked(node, ("min", "max"), place, problems)
    for name in ("min", "max"):
        value = getattr(node, name)
        if value is not None and not 0 <= value <= _TOP[node.scale]:
            message = f"{node.scale} goes from 0 to {_TOP[node.scale]}."
            problems.error("bad-number", f"{place}.{name}", message)
    return node


def _expression(node: q.Expression, place: str, problems: Problems) -> q.Expression:
    asked(node, ("any_of", "min", "max", "above", "below"), place, problems)
    marker = markers.canonical(node.marker)
    if not markers.is_known(marker) and genes.approved(marker) is None:
        problems.warn("unknown-marker", f"{place}.marker", "Only records with this very name can match.",
                      hint(marker, markers.known()))  # fmt: skip
    bounds = [(name, getattr(node, name)) for name in ("min", "max", "above", "below")]
    given = [(name, bound) for name, bound in bounds if bound is not None]
    if given and node.score is None:
        problems.error(
            "no-score",
            f"{place}.score",
            "Bounds need the score they are of: scores do not compare.",
            "did you mean 'tps'?",
        )
    for name, bound in given:
        if node.score and not 0 <= bound <= _SCORES[node.score]:
            problems.error("bad-number", f"{place}.{name}", f"{node.score} goes from 0 to {_SCORES[node.score]}.")
    return msgspec.structs.replace(node, marker=marker)


def _prior_therapy(node: q.PriorTherapy, place: str, problems: Problems) -> q.PriorTherapy:
    names = ("drugs", "classes", "categories", "intents", "outcomes", "stop_reasons", "min_lines", "max_lines", "within",
             "after", "before", "within_half_lives")  # fmt: skip
    asked(node, names, place, problems)
    for name in ("min_lines", "max_lines"):
        count = getattr(node, name)
        if count is not None and not 0 <= count <= _MOST_LINES:
            problems.error("bad-number", f"{place}.{name}", f"From 0 to {_MOST_LINES} lines.")
    if node.within_half_lives is not None:
        _half_lives(node, place, problems)
    for number, drug in enumerate(node.drugs):
        if drugs.classes_of(drug) is None:
            message = f"The drug table has no {drug!r}: only records with this very name can match."
            problems.warn("unknown-drug", f"{place}.drugs[{number}]", message, hint(drug, drugs.known()))
    return msgspec.structs.replace(
        node,
        drugs=tuple(drugs.generic(drug) for drug in node.drugs),
        classes=known_words(node.classes, drugs.classes(), f"{place}.classes", problems, "unknown-class"),
        outcomes=known_words(node.outcomes, _RESPONSES, f"{place}.outcomes", problems),
    )


def _half_lives(node: q.PriorTherapy, place: str, problems: Problems) -> None:
    if not 0 < (node.within_half_lives or 0) <= _MOST_HALF_LIVES:
        problems.error(
            "bad-number", f"{place}.within_half_lives", f"More than 0, at most {_MOST_HALF_LIVES} half-lives."
        )
    for number, drug in enumerate(node.drugs):
        if drugs.half_life(drug) is None:
            message = f"No table has the half-life of {drug!r}: it stays unknown when it was out of the body."
            problems.warn("no-half-life", f"{place}.drugs[{number}]", message)


def _location(node: q.Location, place: str, problems: Problems) -> q.Location:
    if node.within_km is None and (node.sites or node.near):
        problems.error("no-value", f"{place}.within_km", "A distance to a place needs its bound in kilometres.")
    else:
        asked(node, ("countries", "regions", "within_km"), place, problems)
    if node.within_km is not None and not 0 < node.within_km <= _FARTHEST:
        problems.error("bad-number", f"{place}.within_km", f"More than 0, at most {_FARTHEST} km.")
    points = [places.point(text) for text in node.near]
    for number, text in enumerate(node.near):
        if points[number] is None:
            problems.error("bad-point", f"{place}.near[{number}]", f"{text!r} is no point on the globe.")
    return msgspec.structs.replace(node, near=tuple(dict.fromkeys(written(one) for one in points if one is not None)))


def _lab(node: q.Lab, place: str, problems: Problems) -> q.Lab:
    asked(node, ("min", "max", "above", "below"), place, problems)
    test = labs.test_of(node.test)
    if test is None and not _LOINC.fullmatch(node.test):
        message = f"The table of tests has no {node.test!r}."
        problems.error(
            "unknown-test", f"{place}.test", message, hint(node.test, labs.known()) or "or give its LOINC code"
        )
    _unit(node.unit, (XULN,), place, problems)
    if node.unit == XULN and any(bound is not None and bound < 0 for bound in (node.min, node.max)):
        problems.error("bad-number", place, "A multiple of the upper limit is not negative.")
    return msgspec.structs.replace(node, test=test or node.test)


def _unit(unit: str | None, others: Iterable[str], place: str, problems: Problems) -> None:
    allowed = (*units.known(), *others)
    if unit is None:
        problems.error("no-unit", f"{place}.unit", "A value needs its unit (UCUM).", 'write "1" for a plain ratio')
    elif unit not in others and not units.is_known(unit):
        problems.error("bad-unit", f"{place}.unit", f"No such unit {unit!r}.", hint(unit, allowed))


def _vital(node: q.Vital, place: str, problems: Problems) -> q.Vital:
    asked(node, ("min", "max", "above", "below"), place, problems)
    if not _LOINC.fullmatch(node.loinc):
        problems.error("bad-code", f"{place}.loinc", f"{node.loinc!r} is no LOINC code.", "write it like 8480-6")
    _unit(node.unit, (), place, problems)
    return node


def _coded(node: Any, place: str, problems: Problems) -> Any:
    asked(node, ("names", "icd10", "snomed", "codes"), place, problems)
    _check_codes(node, place, problems)
    return node


def _condition(node: q.Condition, place: str, problems: Problems) -> q.Condition:
    for number, word in enumerate(node.names):
        if conditions.named(word) is None:
            message = f"The table of conditions has no {word!r}: only records with this very text can match."
            problems.warn("unknown-condition", f"{place}.names[{number}]", message, hint(word, conditions.known()))
    checked: q.Condition = _coded(node, place, problems)
    return checked


def _only_asked(*names: str) -> Check:
    def check(node: Any, place: str, problems: Problems) -> Any:
        asked(node, names, place, problems)
        return node

    return check


CHECKS: Final[dict[type[Any], Check]] = {
    q.Age: _age,
    q.Sex: _only_asked("any_of"),
    q.Location: _location,
    q.Diagnosis: _diagnosis,
    q.Histology: _histology,
    q.Stage: _stage,
    q.DiseaseStatus: _only_asked("any_of"),
    q.Performance: _performance,
    q.Variant: g.variant,
    q.CopyNumber: g.copy_number,
    q.Fusion: g.fusion,
    q.WildType: g.one_gene,
    q.Tested: g.one_gene,
    q.Signature: g.signature,
    q.Expression: _expression,
    q.PriorTherapy: _prior_therapy,
    q.Condition: _condition,
    q.Medication: _coded,
    q.Procedure: _coded,
    q.Allergy: _coded,
    q.Lab: _lab,
    q.Vital: _vital,
}
"""The check of each leaf kind: given the leaf and its path, it returns the leaf with its terms in standard form."""
