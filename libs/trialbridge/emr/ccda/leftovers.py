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
_MARKERS: Final = frozenset({("code", "ASSERTION"), ("code", "SEV"), ("code", "CONC"), ("statusCode", "completed")})
"""Codes that repeat what the template says, and the status that it fixes for all that is no statement of its own."""


@cache
def _reasons() -> dict[tuple[str, str], str]:
    return {(element, name): reason for element, name, reason in rows("ccda_dropped")}


class Waiting(NamedTuple):
    """A leaf that no rule took."""

    leaf: Leaf
    element: str
    name: str
    path: str
    """In the entry."""
    pattern: str
    """The path without positions."""
    structure: bool


class Leftovers:
    """Goes through an entry or header after its resources are made."""

    def __init__(self, settled: Settled, account: Account, owner: Resource | None = None) -> None:
        """Work on the resources that passed their checks; ``owner`` keeps what belongs to none, else the first of them."""
        self._settled = settled
        self._account = account
        self._owner = owner or (settled.resources[0] if settled.resources else None)

    def settle(self, root: Node, pattern: str) -> None:
        """Give every leaf below the root its fate, and count it."""
        self._visit(root, root.name, pattern, self._owner)

    def _visit(self, node: Node, path: str, pattern: str, owner: Resource | None) -> str | None:
        """Return the first element of the output that anything in the node went to."""
        key = id(node)
        owner = self._settled.owners.get(key, None if key in self._settled.refused else owner)
        first, waiting = self._own(node, path, pattern)
        seen: dict[str, int] = {}
        for kid in node.kids:
            number = seen[kid.name] = seen.get(kid.name, 0) + 1
            step = f"{path}/{kid.name}" if number == 1 else f"{path}/{kid.name}[{number}]"
            if _is_marker(kid):
                mapped, more = self._own(kid, step, f"{pattern}/{kid.name}")
                waiting += more
            else:
                mapped = self._visit(kid, step, f"{pattern}/{kid.name}", owner)
            first = first or mapped
        for one in waiting:
            self._leave(one, first, owner)
        return first

    def _own(self, node: Node, path: str, pattern: str) -> tuple[str | None, list[Waiting]]:
        """Count a node's own leaves that are mapped; return the element that the first one went to, and the others."""
        first: str | None = None
        waiting: list[Waiting] = []
        marker = _is_marker(node)
        for name, one in node.attrs.items():
            structure = marker or (name in STRUCTURE and (name != "negationInd" or one.lower() == "false"))
            if one.fate == "mapped":
                first = first or one.where[0]
                self._account.enter(f"{pattern}/@{name}", one)
                self._account.totals["structure"] += structure
            elif one:
                waiting.append(Waiting(one, node.name, name, f"{path}/@{name}", f"{pattern}/@{name}", structure))
        if node.text is not None and node.text.fate == "mapped":
            first = first or node.text.where[0]
            self._account.enter(f"{pattern}/#text", node.text)
        elif node.text is not None:
            waiting.append(Waiting(node.text, node.name, "#text", f"{path}/#text", f"{pattern}/#text", structure=False))
        return first, waiting

    def _leave(self, waiting: Waiting, first: str | None, owner: Resource | None) -> None:
        one = waiting.leaf
        reason = _reasons().get((waiting.element, waiting.name)) or _reasons().get(("*", waiting.name))
        if waiting.structure and first is not None:
            one.fate = "mapped"
            one.where.append(first)
            self._account.totals["structure"] += 1
        elif reason is not None or owner is None:
            drop(one, reason or "ccda.set-aside")
        else:
            _keep(one, owner, waiting.path)
        self._account.enter(waiting.pattern, one)


def _is_marker(node: Node) -> bool:
    return node.name == "templateId" or (not node.kids and (node.name, node.attrs.get("code")) in _MARKERS)


def _keep(one: Leaf, owner: Resource, path: str) -> None:
    kept: dict[str, Any] = {
        "url": KEPT,
        "extension": [{"url": "path", "valueString": path}, {"url": "value", "valueString": str(one)}],
    }
    owner.setdefault("extension", []).append(kept)
    keep(one, f"{owner['resourceType']}.extension")
