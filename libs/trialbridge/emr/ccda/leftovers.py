"""What no rule took: kept as it was written in an extension of the nearest resource, or dropped for a reason that is listed.

Attributes of the format itself (classCode, templateId, xsi:type …) say where the content beside them goes: they count as mapped with
it, and are counted as ``structure`` beside. Where nothing was mapped they are kept with the rest.
"""

from functools import cache
from typing import Any, Final, NamedTuple

from trialbridge.emr.account import Account, Leaf, drop, keep
from trialbridge.emr.ccda.settling import Settled
from trialbridge.emr.ccda.xmltree import Node
from trialbridge.emr.records import Resource
from trialbridge.emr.tables.rows import rows

KEPT: Final = "urn:trialbridge:fhir:kept"
"""An extension with ``path`` and ``value`` of a leaf that no rule takes."""
STRUCTURE: Final = frozenset(
    {"classCode", "typeCode", "moodCode", "determinerCode", "inversionInd", "contextControlCode", "contextConductionInd",
     "negationInd", "xsi:type", "operator", "institutionSpecified", "independentInd", "inclusive"}
)  # fmt: skip
_MARKING: Final = frozenset({"templateId", "code", "statusCode"})


@cache
def _fixed() -> frozenset[tuple[str, str]]:
    """Return elements and codes that only repeat what a template says."""
    return frozenset((element, code) for table, code, element in rows("ccda_codes") if table == "fixed")


@cache
def _reasons() -> dict[tuple[str, str], str]:
    return {(element, name): reason for element, name, reason in rows("ccda_dropped")}


class _Steps(dict[str, str]):
    """Paths of what is right below one path, each made once: counting by the same string is fast."""

    def __init__(self, path: str, joint: str) -> None:
        super().__init__()
        self._path = path
        self._joint = joint

    def __missing__(self, name: str) -> str:
        found = self[name] = f"{self._path}{_joint(name) if self._joint == '/@' else self._joint}{name}"
        return found


class _Paths(dict[str, _Steps]):
    """`_Steps` by path."""

    def __init__(self, joint: str) -> None:
        super().__init__()
        self._joint = joint

    def __missing__(self, path: str) -> _Steps:
        found = self[path] = _Steps(path, self._joint)
        return found


_BELOW: Final = _Paths("/")
_INSIDE: Final = _Paths("/@")
_MOST_PATHS: Final = 10_000
"""Paths without positions that are remembered from one document to the next: hostile ones may have any."""


class Waiting(NamedTuple):
    """A leaf that no rule took."""

    leaf: Leaf
    element: str
    name: str
    path: str
    """Of the element in the entry."""
    pattern: str
    """That path without positions."""
    structure: bool


class Leftovers:
    """Goes through an entry or header after its resources are made."""

    def __init__(self, account: Account) -> None:
        """Count into an account."""
        self._account = account
        self._settled = Settled()
        if len(_BELOW) > _MOST_PATHS:
            _BELOW.clear()
            _INSIDE.clear()

    def settle(self, root: Node, settled: Settled, pattern: str, owner: Resource | None = None) -> None:
        """Give every leaf below the root its fate, and count it.

        ``owner`` keeps what belongs to no resource that passed its checks, else the first of them does.
        """
        self._settled = settled
        self._visit(root, root.name, pattern, owner or (settled.resources[0] if settled.resources else None))

    def _visit(self, node: Node, path: str, pattern: str, owner: Resource | None) -> str | None:
        """Return the first element of the output that anything in the node went to."""
        key = id(node)
        owner = self._settled.owners.get(key, None if key in self._settled.refused else owner)
        first, waiting = self._own(node, path, pattern)
        seen: dict[str, int] = {}
        below = _BELOW[pattern]
        for kid in node.kids:
            name = kid.name
            number = seen[name] = seen.get(name, 0) + 1
            step = f"{path}/{name}" if number == 1 else f"{path}/{name}[{number}]"
            if _is_marker(kid):
                mapped, more = self._own(kid, step, below[name], marker=True)
                waiting += more
            else:
                mapped = self._visit(kid, step, below[name], owner)
            first = first or mapped
        for one in waiting:
            self._leave(one, first, owner)
        return first

    def _own(self, node: Node, path: str, pattern: str, *, marker: bool = False) -> tuple[str | None, list[Waiting]]:
        """Count a node's own leaves that are mapped; return the element that the first one went to, and the others."""
        first: str | None = None
        waiting: list[Waiting] = []
        enter, inside = self._account.enter, _INSIDE[pattern]
        for name, one in node.attrs.items():
            if not one:
                continue
            structure = marker or (name in STRUCTURE and (name != "negationInd" or one.lower() == "false"))
            if one.fate == "mapped":
                first = first or one.where[0]
                enter(inside[name], one)
                self._account.structure += structure
            else:
                waiting.append(Waiting(one, node.name, name, path, pattern, structure))
        if len(waiting) > 1:
            waiting.sort(key=_name)
        text = node.text
        if text is not None and text.fate == "mapped":
            first = first or text.where[0]
            enter(inside["#text"], text)
        elif text is not None:
            waiting.append(Waiting(text, node.name, "#text", path, pattern, structure=False))
        return first, waiting

    def _leave(self, waiting: Waiting, first: str | None, owner: Resource | None) -> None:
        one, name = waiting.leaf, waiting.name
        reason = _reasons().get((waiting.element, name)) or _reasons().get(("*", name))
        if waiting.structure and first is not None:
            one.fate = "mapped"
            one.where = (first,)
            self._account.structure += 1
        elif reason is not None or owner is None:
            drop(one, reason or ("ccda.set-aside" if self._settled.refused else "ccda.empty-entry"))
        else:
            _keep(one, owner, f"{waiting.path}{_joint(name)}{name}")
        self._account.enter(_INSIDE[waiting.pattern][name], one)


def _name(waiting: Waiting) -> str:
    return waiting.name


def _joint(name: str) -> str:
    return "/" if name == "#text" else "/@"


def _is_marker(node: Node) -> bool:
    name = node.name
    if name not in _MARKING:
        return False
    return not node.kids and (name == "templateId" or (name, node.attrs.get("code")) in _fixed())


def _keep(one: Leaf, owner: Resource, path: str) -> None:
    kept: dict[str, Any] = {
        "url": KEPT,
        "extension": [{"url": "path", "valueString": path}, {"url": "value", "valueString": str(one)}],
    }
    owner.setdefault("extension", []).append(kept)
    keep(one, f"{owner['resourceType']}.extension")
