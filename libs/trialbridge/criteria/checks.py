"""The compiler's checks: terms are resolved to their standard form, contradictions and nonsense are found."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import msgspec

from trialbridge.criteria import hgvs
from trialbridge.criteria import language as q
from trialbridge.criteria.bounds import XULN
from trialbridge.criteria.diagnostics import Problems
from trialbridge.criteria.terminology import crosswalk, drugs, genes, labs, oncotree, units
from trialbridge.criteria.terminology.nearest import hint

_STATUSES = {
    "msi": ("high", "low", "stable", "indeterminate"),
    "mmr": ("proficient", "deficient"),
    "tmb": ("high", "low"),
}
_PER_MEGABASE = "1/1000000{Base}"
_SIGNIFICANCE = ("pathogenic", "likely pathogenic", "uncertain significance", "likely benign", "benign")


def resolve(node: Any, path: str, problems: Problems) -> Any:
    """Return the criterion with its terms in standard form; notes what is wrong."""
    place = f"{path}.{node.__struct_config__.tag}"
    if isinstance(node, q.Not):
        return q.Not(of=resolve(node.of, place, problems))
    if isinstance(node, (q.All, q.Any, q.AtLeast)):
        inner = f"{place}.of" if isinstance(node, q.AtLeast) else place
        members = tuple(resolve(one, f"{inner}[{n}]", problems) for n, one in enumerate(node.of))
        _check_group(node, members, place, problems)
        return msgspec.structs.replace(node, of=members)
    check = _CHECKS.get(type(node))
    _check_bounds(node, place, problems)
    _check_periods(node, place, problems)
    return check(node, place, problems) if check else node


def _check_group(node: Any, members: tuple[Any, ...], place: str, problems: Problems) -> None:
    if len(set(members)) < len(members):
        problems.warn("duplicate", place, "The same criterion stands here twice.")
    if isinstance(node, q.AtLeast) and not 1 <= node.count <= len(members):
        problems.error("count-out-of-range", f"{place}.count", f"count must be from 1 to {len(members)}.")
    if isinstance(node, q.All):
        for problem in _contradictions(members):
            problems.error("contradiction", place, problem)


def _contradictions(members: tuple[Any, ...]) -> Iterator[str]:
    """Yield what no patient can fulfil at once."""
    ages = [one for one in members if isinstance(one, q.Age)]
    for unit in {age.unit for age in ages}:
        same = [age for age in ages if age.unit == unit]
        low = max((age.min for age in same if age.min is not None), default=None)
        high = min((age.max for age in same if age.max is not None), default=None)
        if low is not None and high is not None and low > high and len(same) > 1:
            yield f"No one is at least {low} and at most {high} {unit} old."
    sexes = [set(one.any_of) for one in members if isinstance(one, q.Sex)]
    if sexes and not set.intersection(*sexes):
        yield "No one is of both sexes asked for."
    negated = {one.of for one in members if isinstance(one, q.Not)}
    if negated & set(members):
        yield "A criterion and its opposite are both asked for."


def _check_bounds(node: Any, place: str, problems: Problems) -> None:
    for low_name, high_name in (
        ("min", "max"),
        ("above", "below"),
        ("min", "below"),
        ("above", "max"),
        ("min_lines", "max_lines"),
    ):
        low, high = getattr(node, low_name, None), getattr(node, high_name, None)
        if low is not None and high is not None and low > high:
            problems.error("contradiction", place, f"{low_name} {low} is over {high_name} {high}: nothing fits.")
    for name in ("min", "max", "above", "below"):
        bound = getattr(node, name, None)
        if isinstance(bound, Decimal) and not bound.is_finite():
            problems.error("bad-number", f"{place}.{name}", "A bound is a finite number.")


def _check_periods(node: Any, place: str, problems: Problems) -> None:
    period: q.Period | None = getattr(node, "within", None)
    if period is None:
        return
    given = [value for value in (period.days, period.weeks, period.months, period.years) if value is not None]
    if len(given) != 1 or not 0 < given[0] <= 100_000:  # noqa: PLR2004 - beyond the calendar
        problems.error(
            "bad-period", f"{place}.within", "A period has one positive number of days, weeks, months or years."
        )


def _needs(node: Any, names: tuple[str, ...], place: str, problems: Problems) -> None:
    if not any(getattr(node, name) not in (None, ()) for name in names):
        problems.error("nothing-asked", place, f"Say what is asked for: {', '.join(names)}.")


def _age(node: q.Age, place: str, problems: Problems) -> q.Age:
    _needs(node, ("min", "max"), place, problems)
    for name in ("min", "max"):
        value = getattr(node, name)
        if value is not None and not 0 <= value <= 60_000:  # noqa: PLR2004 - days of 160 years
            problems.error("bad-number", f"{place}.{name}", "An age is not negative, and not over 160 years.")
    return node


def _diagnosis(node: q.Diagnosis, place: str, problems: Problems) -> q.Diagnosis:
    _needs(node, ("oncotree", "icd10", "icdo3", "snomed"), place, problems)
    found = []
    for number, term in enumerate(node.oncotree):
        code = oncotree.resolve(term)
        if code is None:
            message = f"OncoTree has no term {term!r} (in the table in use)."
            problems.error("unknown-term", f"{place}.oncotree[{number}]", message, hint(term, oncotree.spellings()))
        else:
            found.append(code)
    for number, code in enumerate(node.icd10):
        if not crosswalk.from_icd10(code):
            problems.warn("unmapped-code", f"{place}.icd10[{number}]", "Only records with this very code can match.")
    return msgspec.structs.replace(node, oncotree=tuple(dict.fromkeys(found)))


def _gene(symbol: str, place: str, problems: Problems) -> str:
    approved = genes.approved(symbol)
    if approved is None:
        message = f"The gene table has no {symbol!r}."
        problems.error("unknown-gene", place, message, hint(symbol.upper(), genes.known()))
        return symbol
    return approved


def _variant(node: q.Variant, place: str, problems: Problems) -> q.Variant:
    for name in ("protein_change", "position"):
        text = getattr(node, name)
        read = hgvs.normal if name == "protein_change" else hgvs.position
        if text is not None and read(text) is None:
            example = "p.V600E" if name == "protein_change" else "p.V600"
            problems.error("bad-hgvs", f"{place}.{name}", f"This is not a protein change such as {example}.")
    if node.codons and node.codons[0] > node.codons[1]:
        problems.error("contradiction", f"{place}.codons", "The first codon comes after the last.")
    for number, word in enumerate(node.significance):
        if word.casefold() not in _SIGNIFICANCE:
            problems.error(
                "unknown-term", f"{place}.significance[{number}]", "No such significance.", hint(word, _SIGNIFICANCE)
            )
    gene = _gene(node.gene, f"{place}.gene", problems)
    significance = tuple(word.casefold() for word in node.significance)
    return msgspec.structs.replace(node, gene=gene, significance=significance)


def _one_gene(node: Any, place: str, problems: Problems) -> Any:
    return msgspec.structs.replace(node, gene=_gene(node.gene, f"{place}.gene", problems))


def _fusion(node: q.Fusion, place: str, problems: Problems) -> q.Fusion:
    partner = _gene(node.partner, f"{place}.partner", problems) if node.partner else None
    return msgspec.structs.replace(node, gene=_gene(node.gene, f"{place}.gene", problems), partner=partner)


def _signature(node: q.Signature, place: str, problems: Problems) -> q.Signature:
    _needs(node, ("any_of", "min", "max", "above", "below"), place, problems)
    allowed = _STATUSES.get(node.name, ("present", "absent"))
    for number, word in enumerate(node.any_of):
        if word not in allowed:
            problems.error(
                "unknown-term", f"{place}.any_of[{number}]", f"{node.name} has no status {word!r}.", hint(word, allowed)
            )
    bounded = any(getattr(node, name) is not None for name in ("min", "max", "above", "below"))
    if node.name == "tmb" and bounded and node.unit not in (None, _PER_MEGABASE):
        problems.error(
            "bad-unit",
            f"{place}.unit",
            f"Mutational burden is compared in {_PER_MEGABASE} (mutations per megabase) only.",
        )
    return node


def _prior_therapy(node: q.PriorTherapy, place: str, problems: Problems) -> q.PriorTherapy:
    names = ("drugs", "classes", "categories", "intents", "outcomes", "min_lines", "max_lines", "within")
    _needs(node, names, place, problems)
    for number, drug in enumerate(node.drugs):
        if drugs.classes_of(drug) is None:
            problems.warn(
                "unknown-drug",
                f"{place}.drugs[{number}]",
                f"The drug table has no {drug!r}.",
                hint(drug, drugs.known()),
            )
    for number, word in enumerate(node.classes):
        if word.casefold() not in drugs.classes():
            problems.error(
                "unknown-class",
                f"{place}.classes[{number}]",
                f"No drug has the class {word!r}.",
                hint(word, drugs.classes()),
            )
    given, classes = tuple(drugs.generic(drug) for drug in node.drugs), tuple(word.casefold() for word in node.classes)
    return msgspec.structs.replace(node, drugs=given, classes=classes)


def _lab(node: q.Lab, place: str, problems: Problems) -> q.Lab:
    _needs(node, ("min", "max", "above", "below"), place, problems)
    if labs.test_of(node.test) is None and "-" not in node.test:
        problems.error(
            "unknown-test", f"{place}.test", f"The table of tests has no {node.test!r}.", hint(node.test, labs.known())
        )
    _unit(node.unit, place, problems)
    return msgspec.structs.replace(node, test=labs.test_of(node.test) or node.test)


def _unit(unit: str | None, place: str, problems: Problems) -> None:
    if unit is None:
        problems.warn("no-unit", place, "Without a unit any unit is taken as it is.")
    elif unit != XULN and not units.is_known(unit):
        problems.error("bad-unit", f"{place}.unit", f"No such unit {unit!r}.", hint(unit, (*units.known(), XULN)))


def _vital(node: q.Vital, place: str, problems: Problems) -> q.Vital:
    _needs(node, ("min", "max", "above", "below"), place, problems)
    _unit(node.unit, place, problems)
    return node


def _asks(*names: str) -> Callable[[Any, str, Problems], Any]:
    def check(node: Any, place: str, problems: Problems) -> Any:
        _needs(node, names, place, problems)
        return node

    return check


_CODED = _asks("names", "icd10", "snomed", "codes")
_CHECKS: dict[type[Any], Callable[[Any, str, Problems], Any]] = {
    q.Age: _age,
    q.Sex: _asks("any_of"),
    q.Location: _asks("countries", "regions"),
    q.Diagnosis: _diagnosis,
    q.Histology: _asks("icdo3", "snomed", "names"),
    q.Stage: _asks("group", "t", "n", "m", "metastatic", "cns_metastases"),
    q.DiseaseStatus: _asks("any_of"),
    q.Performance: _asks("min", "max"),
    q.Variant: _variant,
    q.CopyNumber: _one_gene,
    q.Fusion: _fusion,
    q.WildType: _one_gene,
    q.Tested: _one_gene,
    q.Signature: _signature,
    q.Expression: _asks("any_of", "min", "max", "above", "below"),
    q.PriorTherapy: _prior_therapy,
    q.Condition: _CODED,
    q.Medication: _CODED,
    q.Procedure: _CODED,
    q.Allergy: _CODED,
    q.Lab: _lab,
    q.Vital: _vital,
}
