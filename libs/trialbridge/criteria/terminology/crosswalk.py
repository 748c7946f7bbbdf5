"""From a record's codings (OncoTree, ICD-10, ICD-9-CM, SNOMED CT, ICD-O-3, text) to OncoTree terms."""

from collections.abc import Iterable, Mapping
from typing import Final, Literal

from trialbridge.criteria.facts import Coding
from trialbridge.criteria.terminology import oncotree
from trialbridge.criteria.terminology.source import imported, kept, rows

CATEGORY: Final = 3
"""Characters of an ICD category, before the dot."""
System = Literal["oncotree", "icd10", "icd9", "snomed", "icdo3", "other", "none"]


def system_of(uri: str | None) -> System:
    """Return which code system a FHIR system URI (or its many spellings) means; ``none`` for text alone."""
    if not uri:
        return "none"
    low = uri.casefold()
    if "oncotree" in low:
        return "oncotree"
    if "icd-o" in low or "icdo" in low or low.endswith("2.16.840.1.113883.6.43.1"):
        return "icdo3"
    if "icd-10" in low or "icd10" in low or "2.16.840.1.113883.6.90" in low or "2.16.840.1.113883.6.3" in low:
        return "icd10"
    if "snomed" in low or "2.16.840.1.113883.6.96" in low:
        return "snomed"
    older = "icd-9" in low or "icd9" in low or low.endswith(("2.16.840.1.113883.6.103", "2.16.840.1.113883.6.2"))
    return "icd9" if older else "other"


@kept()
def _tables() -> dict[str, dict[str, tuple[str, ...]]]:
    """Return the terms of each system's codes: imported rows win over packaged ones, codes of other releases are the current ones."""
    tables: dict[str, dict[str, tuple[str, ...]]] = {"icd10": {}, "icd9": {}, "snomed": {}, "icdo3": {}}
    older = (("icd9", code, terms) for code, terms, _ in rows("crosswalk_icd9", 3))
    for system, code, terms in (*rows("crosswalk", 3), *older, *imported("crosswalk", 3)):
        found = dict.fromkeys(oncotree.current(term) for term in terms.split("|"))
        known = tuple(term for term in found if oncotree.is_term(term))
        if known:
            tables[system][code] = known
    return tables


def dotted(code: str) -> str:
    """Return an ICD code in capitals with its dot: ``c3490`` is ``C34.90``."""
    plain = "".join(code.split()).upper()
    return plain if "." in plain or len(plain) <= CATEGORY else f"{plain[:CATEGORY]}.{plain[CATEGORY:]}"


@kept(maxsize=65536)
def from_icd10(code: str) -> tuple[str, ...]:
    """Return the OncoTree terms of which an ICD-10 code is at least one, by its longest known prefix."""
    return _by_prefix(_tables()["icd10"], dotted(code))


@kept(maxsize=65536)
def from_icd9(code: str) -> tuple[str, ...]:
    """Return the OncoTree terms of which an ICD-9-CM code is at least one, by its longest known prefix."""
    return _by_prefix(_tables()["icd9"], dotted(code))


def _by_prefix(table: Mapping[str, tuple[str, ...]], code: str) -> tuple[str, ...]:
    while code:
        if code in table:
            return table[code]
        code = code[:-1].rstrip(".")
    return ()


def from_snomed(code: str) -> tuple[str, ...]:
    """Return the OncoTree terms of a SNOMED CT code."""
    return _tables()["snomed"].get(code.strip(), ())


@kept(maxsize=65536)
def from_icdo3(topography: str | None, morphology: str | None) -> tuple[str, ...]:
    """Return the OncoTree terms of an ICD-O-3 topography (``C34.1``) with a morphology (``8140/3``); either may be missing.

    The very site decides where it is known, else its category, else the morphology wherever it stands.
    """
    table = _tables()["icdo3"]
    if morphology:
        site, shape = dotted(topography or "*"), morphology.strip()
        for place in (site, site[:CATEGORY], "*"):
            if found := table.get(f"{place} {shape}"):
                return found
    return from_icd10(topography) if topography else ()


def _is_topography(code: str) -> bool:
    return code[:1].upper() == "C"


def _single(coding: Coding) -> tuple[str, ...]:
    system = system_of(coding.system)
    if coding.code:
        if system in ("oncotree", "none") and (term := oncotree.resolve(coding.code)):
            return (term,)
        if system == "icd10":
            return from_icd10(coding.code)
        if system == "snomed" and (found := from_snomed(coding.code)):
            return found
    if coding.text and system != "icd10" and (term := oncotree.resolve(coding.text)):
        return (term,)
    return from_icd9(coding.code) if coding.code and system == "icd9" else ()


def _morphological(codings: Iterable[Coding]) -> tuple[str, ...]:
    codes = [c.code.strip() for c in codings if c.code and system_of(c.system) in ("icdo3", "icd10")]
    sites = [code for code in codes if _is_topography(code)]
    shapes = [code for code in codes if "/" in code]
    return tuple(
        term
        for shape in shapes
        for site in (*sites, *((None,) if not sites else ()))
        for term in from_icdo3(site, shape)
    ) or tuple(term for site in sites for term in from_icdo3(site, None))


def terms_of(
    codes: tuple[Coding, ...], morphology: tuple[Coding, ...] = (), site: tuple[Coding, ...] = ()
) -> tuple[str, ...]:
    """Return the OncoTree terms that a diagnosis' codings name, the most specific only, sorted; empty where none is known."""
    every = (*codes, *morphology, *site)
    found = {term for coding in codes for term in _single(coding)} | set(_morphological(every))
    found = {term for term in found if not term.startswith("_")}
    return tuple(sorted(t for t in found if not any(o != t and oncotree.within(o, t) for o in found)))
