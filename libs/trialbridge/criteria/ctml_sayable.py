"""Native leaves as CTML leaves: which keys and values say the same, and a located error for all that CTML cannot say."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple

import msgspec

from trialbridge.criteria import ctml_clinical as clinical
from trialbridge.criteria import ctml_genomic as genomic
from trialbridge.criteria import language as q
from trialbridge.criteria.diagnostics import Problems
from trialbridge.criteria.terminology import oncotree

Fragment = dict[str, Any]
"""A part of a CTML leaf."""


class Parts(NamedTuple):
    """A native leaf taken apart: one CTML leaf holds the same, one of each choice, and one bound."""

    leaf: str
    """``clinical``, ``genomic`` or ``prior_treatment``."""
    mark: str
    """The key whose value takes the ``!`` of an exclusion."""
    same: Fragment
    choices: Sequence[Sequence[Fragment]] = ()
    bounds: Sequence[Fragment] = ()


class Cannot:
    """Notes what CTML cannot say."""

    def __init__(self, problems: Problems) -> None:
        """Begin without faults."""
        self.problems = problems

    def say(self, path: str, message: str, advice: str = "") -> None:
        """Note a part of a trial that CTML has no words for."""
        self.problems.error("not-in-ctml", path, message, advice)

    def others(self, leaf: Any, sayable: Iterable[str], place: str) -> None:
        """Note every field that is given and is not sayable."""
        for field in msgspec.structs.fields(leaf):
            value = getattr(leaf, field.name)
            if field.name not in sayable and not field.required and value != field.default:
                self.say(f"{place}.{field.name}", f"CTML has no key for {field.name} of {place.rsplit('.', 1)[-1]}.")

    def words(self, given: Sequence[str], table: Mapping[str, Any], path: str) -> list[Any]:
        """Return what the words are in CTML; those that it lacks are noted."""
        for number, word in enumerate(given):
            if word not in table:
                self.say(f"{path}[{number}]", f"CTML has no word for {word!r} here.")
        return [table[word] for word in given if word in table]


def _turned(table: Mapping[str, str]) -> dict[str, str]:
    """Return CTML's usual spelling of each native word: the first one that reads as it."""
    found: dict[str, str] = {}
    for spelling, word in table.items():
        found.setdefault(word, spelling)
    return found


_TITLES: Final = {word: spelling.title() for word, spelling in _turned(clinical.DISEASE).items()}
_GENDERS: Final = {word: spelling.title() for word, spelling in _turned(clinical.GENDERS).items()}
_CALLS: Final = {word: {"cnv_call": spelling.title()} for word, spelling in _turned(genomic.CALLS).items()} | {
    word: {"annotated_variant": word.title()} for word in ("amplification", "deletion")
}
_CATEGORIES: Final = {"systemic": "MedicalTherapy", "surgery": "Surgery", "radiation": "RadiationTherapy"}
_TIERS: Final = {"I": "1", "II": "2", "III": "3", "IV": "4"}
_STATUS_KEYS: Final = {marker: key for key, marker in clinical.MARKERS.items()}
_MONTHS: Final = 12
_THOUSANDTH: Final = Decimal("0.001")


def parts_of(leaf: Any, place: str, cannot: Cannot) -> Parts | None:
    """Return a leaf taken apart into CTML's words, None where CTML has none for its kind; what it cannot say is noted."""
    write = _WRITERS.get(type(leaf))
    if write is None:
        kind = place.rsplit(".", 1)[-1].replace("_", " ")
        cannot.say(place, f"CTML cannot ask about {kind}.")
        return None
    return write(leaf, place, cannot)


def _each(key: str, values: Iterable[Any]) -> list[Fragment]:
    return [{key: value} for value in values]


def _diagnosis(leaf: q.Diagnosis, place: str, cannot: Cannot) -> Parts:
    cannot.others(leaf, ("oncotree",), place)
    names = []
    for number, code in enumerate(leaf.oncotree):
        if code == oncotree.ALL:
            cannot.say(f"{place}.oncotree[{number}]", "CTML has no word for any cancer.", "write _SOLID_ and _LIQUID_")
        name = code if code.startswith("_") else oncotree.name(code)
        # Two terms may share a name, and a name may be the code of another term.
        names.append(name if oncotree.resolve(name) == code and not oncotree.coarse(name) else code)
    key = "oncotree_primary_diagnosis"
    return Parts("clinical", key, {}, [_each(key, names)])


def _age(leaf: q.Age, place: str, cannot: Cannot) -> Parts:
    cannot.others(leaf, ("min", "max", "unit"), place)
    bounds = {name: _years(leaf, name, place, cannot) for name in ("min", "max") if getattr(leaf, name) is not None}
    return Parts("clinical", "age_numerical", {}, (), _comparisons("age_numerical", bounds))


def _years(leaf: q.Age, name: str, place: str, cannot: Cannot) -> str:
    count: int = getattr(leaf, name)
    if leaf.unit == "years":
        return str(count)
    if leaf.unit != "months" or count % _MONTHS == 0:
        message = "CTML has ages in whole years, or in months as a fraction of a year."
        cannot.say(f"{place}.{name}", message, "write unit: years")
    return str((Decimal(count) / _MONTHS).quantize(_THOUSANDTH))


def _comparisons(key: str, bounds: Mapping[str, Any]) -> list[Fragment]:
    """Return one comparison for each bound, or one for both where they are the same."""
    numbers = {name: f"{value:f}" if isinstance(value, Decimal) else str(value) for name, value in bounds.items()}
    if len(numbers) > 1 and numbers.get("min") == numbers.get("max"):
        return [{key: f"={numbers['min']}"}]
    signs = {"min": ">=", "above": ">", "max": "<=", "below": "<"}
    return [{key: f"{signs[name]}{number}"} for name, number in numbers.items()]


def _sex(leaf: q.Sex, place: str, cannot: Cannot) -> Parts:
    words = cannot.words(leaf.any_of, _GENDERS, f"{place}.any_of")
    return Parts("clinical", "gender", {}, [_each("gender", words)])


def _expression(leaf: q.Expression, place: str, cannot: Cannot) -> Parts:
    cannot.others(leaf, ("marker", "any_of"), place)
    key = _STATUS_KEYS.get(leaf.marker)
    if key is None:
        cannot.words(leaf.any_of, {"positive": ""}, f"{place}.any_of")
        return Parts("clinical", "molecular_marker_other", {"molecular_marker_other": leaf.marker})
    words = cannot.words(leaf.any_of, {"positive": "Positive", "negative": "Negative"}, f"{place}.any_of")
    return Parts("clinical", key, {}, [_each(key, words)])


def _disease_status(leaf: q.DiseaseStatus, place: str, cannot: Cannot) -> Parts:
    cannot.others(leaf, ("any_of",), place)
    words = cannot.words(leaf.any_of, _TITLES, f"{place}.any_of")
    return Parts("clinical", "disease_status", {}, [_each("disease_status", words)])


def _stage(leaf: q.Stage, place: str, cannot: Cannot) -> Parts:
    cannot.others(leaf, ("cns_metastases",), place)
    if leaf.cns_metastases and leaf.cns_metastases != clinical.NO_ACTIVE_BRAIN:
        advice = f"CTML has {list(clinical.NO_ACTIVE_BRAIN)} alone, as active_brain_metastases_allowed: No"
        cannot.say(f"{place}.cns_metastases", "CTML has no key for these.", advice)
    key = "active_brain_metastases_allowed"
    return Parts("clinical", key, {key: "No"})


def _signature(leaf: q.Signature, place: str, cannot: Cannot) -> Parts | None:
    if leaf.name == "tmb":
        cannot.others(leaf, ("min", "max", "above", "below", "unit"), place)
        asked = ("min", "above", "max", "below")
        bounds = {name: value for name in asked if (value := getattr(leaf, name)) is not None}
        return Parts("clinical", "tmb_numerical", {}, (), _comparisons("tmb_numerical", bounds))
    cannot.others(leaf, ("any_of",), place)
    tables = {"msi": ("ms_status", _turned(genomic.STABILITY)), "mmr": ("mmr_status", _turned(genomic.REPAIR))}
    names = {name: f"{word}_signature" for word, name in genomic.SIGNATURES.items()}
    if leaf.name not in tables and leaf.name not in names:
        cannot.say(f"{place}.name", f"CTML has no key for {leaf.name}.")
        return None
    key, table = tables.get(leaf.name) or (names[leaf.name], {"present": "Yes", "absent": "No"})
    words = [_SPELLINGS.get(word, word) for word in cannot.words(leaf.any_of, table, f"{place}.any_of")]
    return Parts("genomic", key, {"variant_category": "Signature"}, [_each(key, words)])


_SPELLINGS: Final = {word: word.upper() for word in genomic.STABILITY} | {
    word: word.replace("mmr", "MMR").replace("-p", "-P").replace("-d", "-D") for word in genomic.REPAIR
}


def _variant(leaf: q.Variant, place: str, cannot: Cannot) -> Parts:
    sayable = ("protein_change", "position", "exon", "effects", "source", "min_allele_fraction", "max_allele_fraction",
               "oncogenic", "tiers", "function")  # fmt: skip
    cannot.others(leaf, sayable, place)
    same: Fragment = {"hugo_symbol": leaf.gene, "variant_category": "Mutation"}
    if leaf.oncogenic is False:
        cannot.say(f"{place}.oncogenic", "CTML has no word for not oncogenic.")
    if leaf.oncogenic:
        same["annotated_variant"] = "Oncogenic Mutations"
    if leaf.source is not None:
        same["germline"] = "Yes" if leaf.source == "germline" else "No"
    if leaf.function is not None:
        same["molecular_function"] = leaf.function.title()
    if leaf.tiers:
        same["tier"] = [_TIERS[tier] for tier in leaf.tiers]
    lists = {
        "protein_change": leaf.protein_change,
        "wildcard_protein_change": leaf.position,
        "exon": [int(exon) if exon.isdigit() else exon for exon in leaf.exon],
        "variant_classification": leaf.effects,
    }
    fractions = {"min": leaf.min_allele_fraction, "max": leaf.max_allele_fraction}
    bounds = {name: f"{value:f}" for name, value in fractions.items() if value is not None}
    signs = {"min": ">=", "max": "<="}
    return Parts(
        "genomic",
        "variant_category",
        same,
        [_each(key, values) for key, values in lists.items() if values],
        [{"allele_fraction": f"{signs[name]}{value}"} for name, value in bounds.items()],
    )


def _copy_number(leaf: q.CopyNumber, place: str, cannot: Cannot) -> Parts:
    cannot.others(leaf, ("calls",), place)
    same = {"hugo_symbol": leaf.gene, "variant_category": "Copy Number Variation"}
    calls = cannot.words(leaf.calls, _CALLS, f"{place}.calls")
    return Parts("genomic", "variant_category", same, [calls] if leaf.calls else ())


def _fusion(leaf: q.Fusion, place: str, cannot: Cannot) -> Parts:
    cannot.others(leaf, ("partner", "type"), place)
    same = {"hugo_symbol": leaf.gene, "variant_category": "Structural Variation"}
    if leaf.type == "structural_variant":
        advice = "leave type out: any structural variation"
        cannot.say(f"{place}.type", "CTML does not tell a structural variant that is no fusion.", advice)
    if leaf.type == "fusion":
        same["annotated_variant"] = f"{leaf.partner}::{leaf.gene} Fusion" if leaf.partner else "Fusions"
    elif leaf.partner:
        same["fusion_partner_hugo_symbol"] = leaf.partner
    return Parts("genomic", "variant_category", same)


def _wild_type(leaf: q.WildType, _place: str, _cannot: Cannot) -> Parts:
    same = {"hugo_symbol": leaf.gene, "variant_category": "Mutation", "wildtype": True}
    return Parts("genomic", "variant_category", same)


def _prior_therapy(leaf: q.PriorTherapy, place: str, cannot: Cannot) -> Parts:
    bounds = {"min": leaf.min_lines, "max": leaf.max_lines}
    given = {name: value for name, value in bounds.items() if value is not None}
    if given:
        cannot.others(leaf, ("min_lines", "max_lines"), place)
        key = "number_prior_lines_therapy_allowed"
        return Parts("clinical", key, {}, (), _comparisons(key, given))
    cannot.others(leaf, ("drugs", "classes", "categories"), place)
    categories = cannot.words(leaf.categories, _CATEGORIES, f"{place}.categories")
    lists = {"treatment_category": categories, "agent_class": leaf.classes, "prior_treatment_agent": leaf.drugs}
    choices = [_each(key, values) for key, values in lists.items() if values]
    mark = next((key for key, values in lists.items() if values), "prior_treatment_agent")
    return Parts("prior_treatment", mark, {}, choices)


_WRITERS: Final[Mapping[type[Any], Callable[[Any, str, Cannot], Parts | None]]] = {
    q.Age: _age,
    q.Sex: _sex,
    q.Diagnosis: _diagnosis,
    q.Stage: _stage,
    q.DiseaseStatus: _disease_status,
    q.Variant: _variant,
    q.CopyNumber: _copy_number,
    q.Fusion: _fusion,
    q.WildType: _wild_type,
    q.Signature: _signature,
    q.Expression: _expression,
    q.PriorTherapy: _prior_therapy,
}
SAYABLE: Final = tuple(_WRITERS)
"""Leaf kinds that CTML can ask about, in part at least."""
