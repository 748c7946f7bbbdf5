"""Sites of metastasis by usual name, SNOMED CT code (body structure or metastasis there) or ICD-10 code of the metastasis."""

import re
from collections.abc import Iterable
from functools import cache, lru_cache
from typing import Final, NamedTuple

from trialbridge.criteria.facts import Coding
from trialbridge.criteria.terminology.crosswalk import system_of


class _Site(NamedTuple):
    words: tuple[str, ...]
    snomed: tuple[str, ...]
    icd10: tuple[str, ...]


_SITES: Final[dict[str, _Site]] = {
    "adrenal gland": _Site(("adrenal", "adrenals", "suprarenal gland"), ("23451007",), ("C79.7",)),
    "bone": _Site(("bones", "skeleton", "osseous"), ("272673000", "94222008"), ("C79.5", "C7B.03")),
    "bone marrow": _Site(("marrow",), ("14016003",), ("C79.52",)),
    "brain": _Site(("cerebral", "cns", "central nervous system"), ("12738006", "94225005"), ("C79.3",)),
    "kidney": _Site(("renal",), ("64033007",), ("C79.0",)),
    "liver": _Site(("hepatic",), ("10200004", "94381002"), ("C78.7", "C7B.02")),
    "lung": _Site(("lungs", "pulmonary"), ("39607008", "94391008"), ("C78.0",)),
    "lymph node": _Site(("lymph nodes", "nodal"), ("59441001", "94392001"), ("C77", "C7B.01")),
    "ovary": _Site(("ovaries",), ("15497006",), ("C79.6",)),
    "peritoneum": _Site(("peritoneal", "retroperitoneum"), ("15425007",), ("C78.6", "C7B.04")),
    "pleura": _Site(("pleural",), ("3120008",), ("C78.2",)),
    "skin": _Site(("cutaneous",), ("39937001",), ("C79.2",)),
}


@cache
def _names() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Return a pattern for each word and its site, longest first: bone marrow is not bone."""
    words = [(word, site) for site, known in _SITES.items() for word in (site, *known.words)]
    return tuple(
        (re.compile(rf"\b{word}\b"), site) for word, site in sorted(words, key=lambda pair: (-len(pair[0]), pair[0]))
    )


@cache
def _codes() -> dict[str, str]:
    return {code: site for site, known in _SITES.items() for code in (*known.snomed, *known.icd10)}


def known() -> tuple[str, ...]:
    """Return every site and its other names."""
    return tuple(word for site, entry in _SITES.items() for word in (site, *entry.words))


@lru_cache(maxsize=4096)
def named(text: str) -> str | None:
    """Return the site that a text names (``Liver structure``), or None where it names none of the table."""
    low = " ".join(text.split()).casefold()
    return next((site for pattern, site in _names() if pattern.search(low)), None)


def keys(coding: Coding) -> frozenset[str]:
    """Return what a coded or written site is found by: its SNOMED CT code and the usual name."""
    system, code = system_of(coding.system), (coding.code or "").strip()
    found = {code} if system == "snomed" and code else set()
    site = _by_code(system, code) or (named(coding.text) if coding.text else None)
    return frozenset(found | {site} if site else found)


def only_nodes(codings: Iterable[Coding]) -> bool:
    """Return whether codes and sites of a metastasis name lymph nodes and no organ: regional ones are no distant spread."""
    places = {site for coding in codings for site in keys(coding) if site in _SITES}
    return places == {"lymph node"}


def _by_code(system: str, code: str) -> str | None:
    if system == "snomed":
        return _codes().get(code)
    if system != "icd10":
        return None
    code = code.upper()
    if "." not in code and len(code) > len("C79"):
        code = f"{code[:3]}.{code[3:]}"
    while code and code not in _codes():
        code = code[:-1].rstrip(".")
    return _codes().get(code)
