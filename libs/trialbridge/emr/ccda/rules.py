"""Applies the mapping table (`tables/ccda_elements.tsv`): each row takes what is at a path of a statement to an element of a resource.

A path is made of element names; ``name[CODE]`` wants a typeCode, ``name{4.9}`` a template of C-CDA by the end of its OID, and stands
for a statement inside (entryRelationship or component). An element that is set already stays. A target ``a[]`` appends, ``a[0]`` goes
into the first, and the endings of value[x] come from the datatype.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any, Final

from trialbridge.emr.ccda.document import Document
from trialbridge.emr.ccda.readers import READERS, Choice
from trialbridge.emr.ccda.xmltree import CLINICAL, Node
from trialbridge.emr.records import Resource
from trialbridge.emr.tables.rows import rows

TEMPLATES: Final = "2.16.840.1.113883.10.20.22."
_HOLDING: Final = frozenset({"entryRelationship", "component"})
"""Relationships that hold a statement."""
_STEP: Final = re.compile(r"([A-Za-z:.]+)?(?:\[([A-Z]+)\]|\{([0-9.]+)\})?")

Step = str | Callable[[Node], list[Node]]
"""The name of a child, or what finds those that are wanted."""
Slot = tuple[str, str]
"""An element's name and ``[]``, ``[0]`` or nothing."""


def inner(node: Node) -> Iterator[tuple[Node, Node]]:
    """Yield each statement right inside a statement, behind the relationship that holds it."""
    for relation in node.kids:
        if relation.name in _HOLDING:
            for kid in relation.kids:
                if kid.name in CLINICAL:
                    yield relation, kid


def has_template(node: Node, root: str) -> bool:
    """Return whether a statement claims a template."""
    return any(one.attrs.get("root") == root for one in node.all("templateId"))


def _step(text: str) -> Step:
    found = _STEP.fullmatch(text)
    if found is None:
        raise ValueError(text)
    name, code, template = found.groups()
    if template is not None:
        root = TEMPLATES + template
        return lambda node: [kid for _, kid in inner(node) if has_template(kid, root)]
    if code is not None:
        return lambda node: [kid for kid in node.all(name) if kid.attrs.get("typeCode") == code]
    return str(name)


def _first(path: str) -> str:
    """Return the name of the child that a path begins with, empty where it begins with a statement inside."""
    found = _STEP.fullmatch(path.partition("/")[0])
    return (found[1] or "") if found is not None else ""


def _slots(target: str) -> tuple[Slot, ...]:
    return tuple((part.split("[")[0], part[len(part.split("[")[0]) :]) for part in target.split("."))


Rule = tuple[str, Step, tuple[Step, ...], tuple[Slot, ...], str | None, Callable[[Node, Document, str], Any], str]
"""The child that it begins with, its first step and the others, its target, the target's name where that is all, reader, argument."""


@cache
def rules_of(name: str) -> tuple[Rule, ...]:
    """Return the compiled rules of a set."""
    return tuple(
        _rule(path, _slots(target), READERS[datatype], argument)
        for wanted, path, target, datatype, argument in rows("ccda_elements")
        if wanted == name
    )


def _rule(path: str, target: tuple[Slot, ...], reader: Callable[[Node, Document, str], Any], argument: str) -> Rule:
    steps = [_step(part) for part in path.split("/")]
    only = target[0][0] if len(target) == 1 and not target[0][1] else None
    return _first(path), steps[0], tuple(steps[1:]), target, only, reader, argument


_FITTING: Final[dict[tuple[str, ...], tuple[Rule, ...]]] = {}
_MOST_FITTING: Final = 2_000
"""Sets of rules that are remembered by the children that a statement has."""


def _fitting(name: str, children: Iterable[str]) -> tuple[Rule, ...]:
    """Return the rules of a set that may find something in a statement with these children."""
    key = (name, *children)
    known = _FITTING.get(key)
    if known is None:
        holds = not _HOLDING.isdisjoint(children)
        known = tuple(rule for rule in rules_of(name) if (rule[0] in children if rule[0] else holds))
        if len(_FITTING) < _MOST_FITTING:
            _FITTING[key] = known
    return known


def apply(name: str, node: Node, document: Document, resource: Resource) -> None:
    """Fill a resource from a statement by the rules of a set."""
    for _, step, others, target, only, reader, argument in _fitting(name, node.by):
        found = _below(node, step)
        for other in others:
            found = [kid for one in found for kid in _below(one, other)]
        for one in found:
            value = reader(one, document, argument)
            if value is None:
                continue
            if only is None or type(value) is Choice:
                put(resource, target, value)
            elif only not in resource:
                resource[only] = value


_NONE: Final[list[Node]] = []


def _below(node: Node, step: Step) -> list[Node]:
    if type(step) is not str:
        return step(node)  # type: ignore[operator]  # any other is a function
    found = node.by.get(step)
    return found if type(found) is list else _NONE if found is None else [found]  # type: ignore[list-item]  # as `Node.all`


def put(resource: Resource, target: tuple[Slot, ...], value: Any) -> None:
    """Set an element; one that is set already stays."""
    here: Any = resource
    for key, list_of in target[:-1]:
        if list_of == "[]":
            here.setdefault(key, []).append({})
            here = here[key][-1]
        elif list_of:
            here = here.setdefault(key, [{}])[0]
        else:
            here = here.setdefault(key, {})
    key, list_of = target[-1]
    if type(value) is Choice:
        key, value = key + value.ending, value.value
    if list_of == "[]":
        if key in here:
            here[key].append(value)
        else:
            here[key] = [value]
    elif key not in here:
        here[key] = value


@cache
def slots(target: str) -> tuple[Slot, ...]:
    """Return a compiled target for `put`."""
    return _slots(target)
