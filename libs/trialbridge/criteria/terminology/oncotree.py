"""OncoTree: terms by code or name, descendants, and solid or liquid by tissue (matching.md, "Standards in and out").

A code wins over a name, a name over another name, another name over a former code, a former code over a main type. What several terms
share (a name in two tissues, a code that was split) is none of them: a record with it is at least their nearest common
ancestor, a criterion has to say which one it means.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

from trialbridge.criteria.terminology.source import kept, listed, rows

SOLID, LIQUID, ALL = "_SOLID_", "_LIQUID_", "_ALL_"
_GROUPS: Final = {SOLID: "any solid tumour", LIQUID: "any liquid tumour", ALL: "any cancer"}
_LIQUID_TISSUES: Final = frozenset({"LYMPH", "MYELOID", "BLOOD"})
"""The tissues of liquid tumours; releases before 2018 have BLOOD."""
_SHOWN: Final = 6
"""Choices that a suggestion names."""


class Term(NamedTuple):
    """One type of the tree."""

    parent: str
    """Empty for a tissue."""
    name: str
    main_type: str
    former: tuple[str, ...]
    """Codes that earlier releases had for it: renamed, revoked in its favour, or become a part of it."""


def _key(name: str) -> str:
    return " ".join(name.replace("_", " ").split()).casefold() if not name.startswith("_") else name.casefold()


@kept()
def _terms() -> dict[str, Term]:
    return {code: Term(parent, name, main, listed(former)) for code, parent, name, main, former in rows("oncotree", 5)}


class _Names(NamedTuple):
    """What a spelling means."""

    codes: dict[str, str]
    """The term, or the nearest one that it is at least."""
    advice: dict[str, str]
    """What a criterion has to say instead, where the spelling means less than a term."""


@kept()
def _names() -> _Names:
    table = _Names({}, {})
    for main, tops in _main_types().items():
        # A main type of several branches is no term, and their common ancestor may be too narrow for the word.
        _enter(table, main, tops, nearest=False)
    for old, codes in _successors().items():
        _enter(table, old, codes)
    for name, code, advice in rows("oncotree_names", 3):
        found = code if code in _GROUPS else _current(code)
        if found is not None:
            _enter(table, name, {found})
            if advice:
                table.advice[_key(name)] = advice
    for name, codes in _grouped((term.name, code) for code, term in _terms().items()).items():
        _enter(table, name, codes)
    for code in (*_GROUPS, *_terms()):
        _enter(table, code, {code})
    return table


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name, code in pairs:
        found.setdefault(_key(name), set()).add(code)
    return found


def _enter(table: _Names, name: str, codes: set[str], *, nearest: bool = True) -> None:
    """Enter a spelling for what it may mean, in place of what it meant before."""
    key = _key(name)
    for one in (table.codes, table.advice):
        one.pop(key, None)
    common = _common(codes) if nearest or len(codes) == 1 else None
    if common:
        table.codes[key] = common
    if len(codes) > 1:
        shown = [repr(code) for code in sorted(codes)]
        table.advice[key] = f"did you mean {' or '.join(shown[:_SHOWN])}{' …' if shown[_SHOWN:] else ''}?"


def _common(codes: set[str]) -> str | None:
    """Return the nearest term that all are or lie below, None where they are of different tissues."""
    first, *others = (lineage(code) for code in sorted(codes))
    return next((code for code in first if all(code in line for line in others)), None)


def _main_types() -> dict[str, set[str]]:
    """Return for each main type the topmost terms that have it."""
    terms = _terms()
    tops = (
        (term.main_type, code)
        for code, term in terms.items()
        if term.main_type and (not term.parent or terms[term.parent].main_type != term.main_type)
    )
    return _grouped(tops)


@kept()
def _successors() -> dict[str, set[str]]:
    """Return for each former code, that is no current one, the terms that took its place."""
    current = {_key(code) for code in _terms()}
    found = _grouped((old, code) for code, term in _terms().items() for old in term.former)
    return {old: codes for old, codes in found.items() if old not in current}


def _current(code: str) -> str | None:
    """Return the term that a code means in the tree in force, None where it is none of it."""
    if code in _terms():
        return code
    found = _successors().get(_key(code), set())
    return next(iter(found)) if len(found) == 1 else _common(found) if found else None


@kept(maxsize=4096)
def current(code: str) -> str:
    """Return the current code of a code that another release may have given; an unknown one is returned as it is."""
    return code if code in _GROUPS else _current(code) or code


def is_term(code: str) -> bool:
    """Return whether a code is a current term of the tree in force."""
    return code in _terms()


def codes() -> tuple[str, ...]:
    """Return every current code, in the order of the tree."""
    return tuple(_terms())


def spellings() -> tuple[str, ...]:
    """Return every code and name of the table, for suggestions."""
    names = (name for name, _, _ in rows("oncotree_names", 3))
    return (*_terms(), *(term.name for term in _terms().values()), *names)


@kept(maxsize=65536)
def resolve(term: str) -> str | None:
    """Return the code of a code, name, former code or group word (``_SOLID_``, ``All Solid Tumors``) in any letter case, or None."""
    return _names().codes.get(_key(term))


def coarse(term: str) -> str:
    """Return what to write instead of a name that means less than its nearest term; empty where the term is exact enough.

    A record with such a name is at least of that term, if there is one; a criterion with such a name would take too many.
    """
    return _names().advice.get(_key(term), "")


def former(term: str) -> str:
    """Return the current code of a code that earlier releases had; empty where it is a current code, or none."""
    code = resolve(term)
    return code if code is not None and _key(term) in _successors() else ""


def name(code: str) -> str:
    """Return the term's name; the group words have plain names too, a code of another release stands for itself."""
    known = _GROUPS.get(code)
    if known is None:
        term = _terms().get(current(code))
        known = term.name if term else code
    return known


def main_type(code: str) -> str:
    """Return the name of the term's main type; empty where it has none."""
    term = _terms().get(code)
    return term.main_type if term else ""


@kept()
def lineage(code: str) -> tuple[str, ...]:
    """Return the code and its ancestors, nearest first; an unknown code is alone."""
    chain = [code]
    while (term := _terms().get(chain[-1])) and term.parent:
        chain.append(term.parent)
    return tuple(chain)


def level(code: str) -> int:
    """Return how deep the term lies: 1 for a tissue."""
    return len(lineage(code))


@kept(maxsize=65536)
def within(code: str, target: str) -> bool:
    """Return whether ``code`` is ``target`` or lies below it; ``target`` may be a group word."""
    if target == ALL:
        return True
    if target in (SOLID, LIQUID):
        return (lineage(code)[-1] in _LIQUID_TISSUES) == (target == LIQUID)
    return current(target) in lineage(current(code))


@kept(maxsize=65536)
def may_be(code: str, target: str) -> bool:
    """Return whether a case recorded as ``code`` could, on closer look, be a ``target``: one lies on the other's line.

    Of a target that the tree in force does not have, that cannot be ruled out.
    """
    if target.startswith("_"):
        return within(code, target)
    target = current(target)
    return within(code, target) or within(target, code) or not is_term(target)


def tissue(code: str) -> str:
    """Return the code of the tissue at the root of the term's line."""
    return lineage(code)[-1]
