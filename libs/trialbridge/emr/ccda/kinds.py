"""What kind of statement an entry is, and what its kind says of the resource (`tables/ccda_statements.tsv`, `ccda_kinds.tsv`)."""

from functools import cache
from typing import Final, NamedTuple

from trialbridge.emr.ccda.xmltree import Node
from trialbridge.emr.tables.rows import rows

NO_RESOURCE: Final = "-"


class Kind(NamedTuple):
    """A kind of statement."""

    name: str
    resource: str
    """The resource type, `NO_RESOURCE` where what it holds goes into another one."""
    rules: tuple[str, ...]
    statuses: str
    """The table of statuses in ccda_codes.tsv."""
    status: str
    """Where none fits."""


@cache
def kinds() -> dict[str, Kind]:
    """Return all kinds by name."""
    return {
        name: Kind(name, resource, tuple(rules.split()), statuses, status)
        for name, resource, rules, statuses, status in rows("ccda_kinds")
    }


@cache
def _by_template() -> dict[str, list[tuple[int, str, str]]]:
    found: dict[str, list[tuple[int, str, str]]] = {}
    for place, (template, mood, kind) in enumerate(rows("ccda_statements")):
        if template != "-":
            found.setdefault(template, []).append((place, mood, kind))
    return found


@cache
def _by_element() -> dict[str, str]:
    return {given: kind for template, given, kind in rows("ccda_statements") if template == "-"}


def kind_of(statement: Node) -> Kind:
    """Return the kind of a statement: of its templates, else of its element and mood."""
    mood = statement.attrs.get("moodCode") or "EVN"
    table = _by_template()
    fitting: list[tuple[int, str]] = []
    for template in statement.all("templateId"):
        for place, wanted, kind in table.get(template.attrs.get("root", ""), ()):
            if wanted in ("*", mood):
                fitting.append((place, kind))
    if fitting:
        return kinds()[min(fitting)[1]]
    return kind_of_element(statement)


def kind_of_element(statement: Node) -> Kind:
    """Return the kind of a statement by its element and mood alone."""
    mood = str(statement.attrs.get("moodCode") or "EVN")
    by = _by_element()
    return kinds()[by.get(f"{statement.name} {mood}") or by.get(f"{statement.name} *", "other")]
