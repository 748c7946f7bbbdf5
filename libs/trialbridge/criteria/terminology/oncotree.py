"""OncoTree: terms by code or name, descendants, and solid or liquid by tissue (matching.md, "Standards in and out")."""

from functools import cache, lru_cache

from trialbridge.criteria.terminology.source import rows

SOLID, LIQUID, ALL = "_SOLID_", "_LIQUID_", "_ALL_"
_LIQUID_TISSUES = frozenset({"LYMPH", "MYELOID"})


def _key(name: str) -> str:
    return " ".join(name.replace("_", " ").split()).casefold() if not name.startswith("_") else name.casefold()


@cache
def _terms() -> dict[str, tuple[str, str]]:
    return {code: (parent, name) for code, parent, name in rows("oncotree", 3)}


@cache
def _spellings() -> dict[str, str]:
    table = {_key(group): group for group in (SOLID, LIQUID, ALL)}
    for name, code, _ in rows("oncotree_names", 3):
        table[_key(name)] = code
    table.update({_key(name): code for code, (_, name) in _terms().items()})
    # A code wins over a name or former code that is written the same.
    table.update({_key(code): code for code in _terms()})
    return table


def spellings() -> tuple[str, ...]:
    """Return every code and name of the table, for suggestions."""
    return (*_terms(), *(name for _, name in _terms().values()), *(name for name, _, _ in rows("oncotree_names", 3)))


@lru_cache(maxsize=65536)
def resolve(term: str) -> str | None:
    """Return the code of a code, name, former code or group word (``_SOLID_``, ``All Solid Tumors``) in any letter case, or None."""
    return _spellings().get(_key(term))


@cache
def _coarse() -> dict[str, str]:
    return {_key(name): advice for name, _, advice in rows("oncotree_names", 3) if advice}


def coarse(term: str) -> str:
    """Return what to write instead of a name that means less than its nearest term; empty where the term is exact enough.

    A record with such a name is at least of that term; a criterion with such a name would take too many.
    """
    return _coarse().get(_key(term), "")


def name(code: str) -> str:
    """Return the term's name; the group words have plain names too."""
    groups = {SOLID: "any solid tumour", LIQUID: "any liquid tumour", ALL: "any cancer"}
    return groups.get(code) or _terms()[code][1]


@cache
def lineage(code: str) -> tuple[str, ...]:
    """Return the code and its ancestors, nearest first."""
    chain: list[str] = []
    while code:
        chain.append(code)
        code = _terms()[code][0]
    return tuple(chain)


@lru_cache(maxsize=65536)
def within(code: str, target: str) -> bool:
    """Return whether ``code`` is ``target`` or lies below it; ``target`` may be a group word."""
    if target == ALL:
        return True
    if target in (SOLID, LIQUID):
        return (lineage(code)[-1] in _LIQUID_TISSUES) == (target == LIQUID)
    return target in lineage(code)


@lru_cache(maxsize=65536)
def may_be(code: str, target: str) -> bool:
    """Return whether a case recorded as ``code`` could, on closer look, be a ``target``: one lies on the other's line."""
    return within(code, target) or (not target.startswith("_") and within(target, code))


def tissue(code: str) -> str:
    """Return the code of the tissue at the root of the term's line."""
    return lineage(code)[-1]
