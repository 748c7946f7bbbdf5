"""The layouts of tables (`tables/csv_layouts.tsv`, `csv_columns.tsv`): which columns they have, and where each goes in FHIR."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from trialbridge.emr.tables.rows import pairs, rows

_NOISE: Final = re.compile(r"[\s_\-.]+")
MRN: Final = "mrn"


@dataclass(frozen=True, slots=True)
class Rule:
    """How one element is made out of columns."""

    element: tuple[str, ...]
    """Steps of the path: ``name[]`` is the first of a list, ``@x`` an extension."""
    kind: str
    columns: tuple[str, ...]
    argument: str


@dataclass(frozen=True, slots=True)
class Product:
    """A resource that a row may make."""

    name: str
    resource: str
    profiles: tuple[str, ...]
    identity: tuple[str, ...]
    """Columns whose values name the resource for ever."""
    needs: tuple[str, ...]
    """Columns of which one must hold something; none where the row always makes it."""
    own: bool
    """True where the source numbers these resources itself: the number comes once in a file."""
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """A kind of table."""

    name: str
    file: str
    """What names of its files hold."""
    required: tuple[str, ...]
    columns: tuple[str, ...]
    products: tuple[Product, ...]


def plain(name: str) -> str:
    """Return a column's name without case, spaces and the signs between words."""
    return _NOISE.sub("", name.casefold())


@cache
def layouts() -> dict[str, Layout]:
    """Return all layouts by name."""
    rules: dict[tuple[str, str], list[Rule]] = {}
    for layout, product, element, kind, columns, argument in rows("csv_columns"):
        rule = Rule(tuple(_steps(element)), kind, tuple(columns.split()) if columns != "-" else (), argument)
        rules.setdefault((layout, product), []).append(rule)
    products: dict[str, list[Product]] = {}
    for layout, name, resource, profiles, identity, needs in rows("csv_products"):
        own = identity.startswith("!")
        made = Product(
            name, resource, tuple(profiles.split()) if profiles != "-" else (), tuple(identity.lstrip("!").split()),
            tuple(needs.split()) if needs not in ("", "-") else (), own, tuple(rules.get((layout, name), ())),
        )  # fmt: skip
        products.setdefault(layout, []).append(made)
    return {name: _layout(name, file, required, products.get(name, [])) for name, file, required in rows("csv_layouts")}


def _layout(name: str, file: str, required: str, products: list[Product]) -> Layout:
    needed = tuple(required.split())
    used = (column for product in products for rule in product.rules for column in rule.columns)
    keys = (column for product in products for column in product.identity)
    beside = rows("csv_other_columns")
    others = (column for layout, columns in beside if layout == name for column in columns.split())
    every = dict.fromkeys((*needed, *keys, *used, *others))
    return Layout(name, file, needed, tuple(one for one in every if one != "-"), tuple(products))


def _steps(element: str) -> list[str]:
    return [step for step in element.split(".") if step]


@cache
def extension_url(name: str) -> str:
    """Return the URL of an extension by its short name, the name itself of one inside another extension."""
    return pairs("csv_extensions").get(name, name)


def layout_of(header: Sequence[str], name: str) -> Layout | None:
    """Return the layout that a header fits best, by its columns and then by the file's name; None where none fits.

    All required columns must be there, and at least half of the header's must be the layout's.
    """
    given = {plain(one) for one in header if one.strip()}
    file = plain(name)
    fitting: list[tuple[float, bool, Layout]] = []
    for layout in layouts().values():
        known = {plain(one) for one in layout.columns}
        needed = {plain(one) for one in layout.required} <= given
        if needed and layout.products and 2 * len(known & given) >= len(given):
            fitting.append((len(known & given) / len(known | given), plain(layout.file) in file, layout))
    # Of those that fit alike the first of the table is meant.
    return max(fitting, key=lambda one: one[:2])[2] if fitting else None
