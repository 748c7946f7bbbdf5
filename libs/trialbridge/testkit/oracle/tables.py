"""Terminology for the oracle: the packaged rows, read anew at every question by the plainest loop."""

from decimal import Decimal
from fractions import Fraction
from functools import cache

from trialbridge.criteria.facts import Coding
from trialbridge.criteria.terminology import source

LIQUID_TISSUES = ("LYMPH", "MYELOID")


@cache
def _rows(name: str, width: int) -> tuple[tuple[str, ...], ...]:
    return tuple(row[:width] for row in source.rows(name, width))


_SITES = {
    "bone marrow": ("marrow", "14016003", "C7952"),
    "bone": ("bone bones skeleton osseous", "272673000 94222008", "C795"),
    "brain": ("brain cerebral cns", "12738006 94225005", "C793"),
    "liver": ("liver hepatic", "10200004 94381002", "C787"),
    "lung": ("lung lungs pulmonary", "39607008 94391008", "C780"),
}
"""Some sites of metastasis: words, SNOMED CT codes, ICD-10 code; the more exact ones first."""


def site(text: str) -> str | None:
    """Return the site of metastasis that a text names, None for none of the table."""
    words = set(_squeezed(text).replace(",", " ").split())
    return next((name for name, (known, _, _) in _SITES.items() if words & set(known.split())), None)


def site_keys(coding: Coding) -> set[str]:
    """Return what a recorded site is found by: its usual name, and its SNOMED CT code."""
    code, kind = (coding.code or "").strip(), system(coding)
    by_code = [
        name
        for name, (_, snomed, icd10) in _SITES.items()
        if (kind == "snomed" and code in snomed.split())
        or (kind == "icd10" and code.upper().replace(".", "").startswith(icd10))
    ]
    name = by_code[0] if by_code else site(coding.text) if coding.text else None
    return {one for one in (name, code if kind == "snomed" else None) if one}


def _words(cell: str) -> list[str]:
    return [word.strip() for word in cell.split(",") if word.strip()]


def _squeezed(text: str) -> str:
    return " ".join(text.split()).casefold()


@cache
def gene(symbol: str) -> str:
    """Return the approved symbol; an approved symbol is never another gene's alias."""
    asked = symbol.strip().upper()
    for approved, _ in _rows("genes", 2):
        if approved == asked:
            return approved
    for approved, aliases in _rows("genes", 2):
        if asked in _words(aliases):
            return approved
    return asked


@cache
def drug(name: str) -> str:
    """Return the generic name."""
    asked = _squeezed(name)
    for generic, _, aliases in _rows("drugs", 3):
        if asked == generic or asked in _words(aliases):
            return generic
    return asked


@cache
def half_life(name: str) -> Decimal | None:
    """Return a drug's half-life in hours, None for a drug that the table lacks."""
    asked = drug(name)
    return next((Decimal(hours) for known, hours, _ in _rows("half_lives", 3) if known == asked), None)


@cache
def region(country: str, region: str, postal: str) -> tuple[float, float, float] | None:
    """Return latitude, longitude and radius of a circle that holds a place of living, None where no table has it."""
    rows = [(land, kind, key, _place(row), {_squeezed(x) for x in (key, *_words(row[6]))}, _words(row[7]))
            for row in _rows("places", 8) for land, kind, key in (row[:3],)]  # fmt: skip
    lands = [land for land, kind, _, _, names, _ in rows if kind == "country" and _squeezed(country) in names]
    named = [key for _, kind, key, _, names, _ in rows if kind == "region" and _squeezed(region) in names]
    digits = postal.strip().replace("-", "")
    zipped = digits[:3] if digits.isdigit() and len(digits) in (5, 9) else ""
    by_zip = [key for _, _, key, _, _, zips in rows for one in zips if zipped and one[:3] <= zipped <= one[-3:]]
    american = lands == ["US"] or (not country and bool(by_zip) and by_zip == named)
    if not american:
        return next((circle for land, kind, _, circle, _, _ in rows if kind == "country" and [land] == lands), None)
    if by_zip and named and by_zip != named:
        return None
    return next((circle for _, kind, key, circle, _, _ in rows if kind == "region" and key in (named or by_zip)), None)


def _place(row: tuple[str, ...]) -> tuple[float, float, float] | None:
    return (float(row[3]), float(row[4]), float(row[5])) if row[3] else None


@cache
def drug_classes(name: str) -> frozenset[str] | None:
    """Return a drug's classes, None for a drug that is not in the table."""
    for generic, classes, _ in _rows("drugs", 3):
        if generic == drug(name):
            return frozenset(_words(classes))
    return None


@cache
def condition(name: str) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """Return the usual name of a condition with its ICD-10 prefixes and SNOMED CT codes; the name alone where unknown."""
    asked = _squeezed(name)
    for usual, icd10, snomed, aliases in _rows("conditions", 4):
        if asked == usual or asked in _words(aliases):
            return usual, tuple(_words(icd10)), tuple(_words(snomed))
    return name.casefold(), (), ()


@cache
def test_codes(name: str) -> tuple[tuple[str, ...], Fraction | None]:
    """Return the LOINC codes of a laboratory test (by name, other name or code) and its molar mass in g/mol."""
    asked = _squeezed(name)
    for usual, codes, mass, aliases in _rows("labs", 4):
        if asked == usual or asked in _words(aliases) or asked in _words(codes):
            return tuple(_words(codes)), Fraction(mass) if mass else None
    return (name,), None


def _unit(text: str) -> str:
    return "".join(text.split()).casefold().replace("µ", "u").replace("\N{GREEK SMALL LETTER MU}", "u")


@cache
def converted(have: str, want: str, molar_mass: Fraction | None) -> Fraction | None:
    """Return the exact factor from one unit to another, None where they do not convert."""
    if _unit(have) == _unit(want):
        return Fraction(1)
    sizes = {_unit(unit): (dimension, Fraction(factor)) for unit, dimension, factor in _rows("units", 3)}
    if _unit(have) not in sizes or _unit(want) not in sizes:
        return None
    (one, large), (other, small) = sizes[_unit(have)], sizes[_unit(want)]
    if one == other:
        return large / small
    if molar_mass is None or {one, other} != {"molar concentration", "mass concentration"}:
        return None
    # mmol/L times g/mol is mg/L, a thousandth of g/L.
    return large / small * (molar_mass / 1000 if one.startswith("molar") else 1000 / molar_mass)


@cache
def _tree() -> dict[str, tuple[str, str]]:
    return {code: (parent, name) for code, parent, name in _rows("oncotree", 3)}


def line(code: str) -> list[str]:
    """Return a term and all above it, the tissue last."""
    return [code, *line(_tree()[code][0])] if _tree()[code][0] else [code]


def is_a(code: str, wanted: str) -> bool:
    """Return whether a term is the wanted one or below it; solid and liquid go by tissue."""
    if wanted in ("_SOLID_", "_LIQUID_"):
        return (line(code)[-1] in LIQUID_TISSUES) == (wanted == "_LIQUID_")
    return wanted == "_ALL_" or wanted in line(code)


def _name(text: str) -> str:
    return text.casefold() if text.startswith("_") else _squeezed(text.replace("_", " "))


@cache
def term(text: str) -> str | None:
    """Return the OncoTree code of a code, name, other name, former code or main type in any letter case.

    Of what several terms have: for names and former codes the nearest term above them all, if there is one.
    """
    same = [code for code in (*_tree(), "_SOLID_", "_LIQUID_", "_ALL_") if _name(code) == _name(text)]
    named = [code for code, (_, name) in _tree().items() if _name(name) == _name(text)]
    other = [code for name, code, _ in _rows("oncotree_names", 3) if _name(name) == _name(text)]
    if same:
        return same[0]
    if named:
        return _above(named)
    if other:
        return other[0]
    former = [code for code, _, _, _, old in _rows("oncotree", 5) if _name(text) in map(_name, _words(old))]
    if former:
        return _above(former)
    main = {code: _name(word) for code, _, _, word, _ in _rows("oncotree", 5) if word}
    tops = [code for code in main if main[code] == _name(text) and main.get(_tree()[code][0]) != main[code]]
    return tops[0] if len(tops) == 1 else None


def _above(codes: list[str]) -> str | None:
    return next((code for code in line(codes[0]) if all(code in line(one) for one in codes)), None)


@cache
def crosswalk(system: str, code: str) -> tuple[str, ...]:
    """Return the OncoTree terms of one of which a code is at least a case."""
    for table, known, terms in _rows("crosswalk", 3):
        if table == system and known == code:
            return tuple(terms.split("|"))
    return ()


@cache
def of_icd10(code: str) -> tuple[str, ...]:
    """Return the terms of the longest known beginning of an ICD-10 code."""
    plain = code.replace(".", "").strip().upper()
    dotted = f"{plain[:3]}.{plain[3:]}"
    beginnings = [dotted[:length].rstrip(".") for length in range(len(dotted), 0, -1)]
    return next((found for one in beginnings if (found := crosswalk("icd10", one))), ())


@cache
def of_icd9(code: str) -> tuple[str, ...]:
    """Return the terms of the longest known beginning of an ICD-9-CM code."""
    plain = code.replace(".", "").strip()
    dotted = f"{plain[:3]}.{plain[3:]}".rstrip(".")
    known = [row for row in _rows("crosswalk_icd9", 2) if dotted.startswith(row[0])]
    return tuple(max(known, key=lambda row: len(row[0]))[1].split("|")) if known else ()


@cache
def of_morphology(site: str | None, shape: str) -> tuple[str, ...]:
    """Return the terms of an ICD-O-3 morphology at a topography, or anywhere."""
    plain = "".join(site.split()).upper().replace(".", "") if site else "*"
    places = [f"{plain[:3]}.{plain[3:]}", plain[:3], "*"] if site else ["*"]
    found = [terms for place in places if (terms := crosswalk("icdo3", f"{place} {shape.strip()}"))]
    return found[0] if found else of_icd10(site) if site else ()


def system(coding: Coding) -> str:
    """Return the code system of a coding: oncotree, icdo3, icd10, icd9, snomed, other, or none for text alone."""
    uri = (coding.system or "").casefold()
    for name, marks in (
        ("oncotree", ("oncotree",)),
        ("icdo3", ("icd-o", "icdo", "113883.6.43.1")),
        ("icd10", ("icd-10", "icd10", "113883.6.90", "113883.6.3")),
        ("snomed", ("snomed", "113883.6.96")),
    ):
        if any(mark in uri for mark in marks):
            return name
    if "icd-9" in uri or "icd9" in uri or uri.endswith((".113883.6.103", ".113883.6.2")):
        return "icd9"
    return "other" if uri else "none"
