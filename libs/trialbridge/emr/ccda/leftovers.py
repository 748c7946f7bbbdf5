"""What no rule took: kept as it was written in an extension of the nearest resource, or dropped for a reason that is listed.

Attributes of the format itself (classCode, templateId, xsi:type …) say where the content beside them goes: they count as mapped with
it, and are counted as ``structure`` beside. Where nothing was mapped they are kept with the rest.
"""

from functools import cache
from operator import itemgetter
from typing import Any, Final

from trialbridge.contracts.errors import Place, Poison
from trialbridge.emr.account import Account, Leaf, Row, drop, keep
from trialbridge.emr.ccda.settling import Settled
from trialbridge.emr.ccda.xmltree import Node, Tree, fixed_codes
from trialbridge.emr.records import Resource
from trialbridge.emr.tables.rows import rows

KEPT: Final = "urn:trialbridge:fhir:kept"
"""An extension with ``path`` and ``value`` of a leaf that no rule takes."""
STRUCTURE: Final = frozenset(
    {"classCode", "typeCode", "moodCode", "determinerCode", "inversionInd", "contextControlCode", "contextConductionInd",
     "negationInd", "xsi:type", "operator", "institutionSpecified", "independentInd", "inclusive"}
)  # fmt: skip
_LONGEST: Final = 300
"""Characters of a path without positions: deeper ones are counted together."""
_MOST_STEPS: Final = 24
MOST_KEPT: Final = 250_000
"""Leaves of a document that are kept: one with more is no C-CDA, whatever it says of itself."""
_MARKING: Final = frozenset({"templateId", "code", "statusCode"})


@cache
def _reasons() -> dict[tuple[str, str], str]:
    return {(element, name): reason for element, name, reason in rows("ccda_dropped")}


class _Inside(dict[str, str]):
    """Paths of what is in an element itself, by its name, each made once: counting by the same string is fast."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path

    def __missing__(self, name: str) -> str:
        found = _longer(self._path, _joint(name), name)
        if _remember():
            self[name] = found
        return found


class _Pattern(dict[str, "_Pattern"]):
    """A path without positions, with those right below it."""

    __slots__ = ("inside", "path")

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path
        self.inside = _Inside(path)

    def __missing__(self, name: str) -> "_Pattern":
        path = _longer(self.path, "/", name)
        if path == self.path:
            return self
        found = _Pattern(path)
        if _remember():
            self[name] = found
        return found


def _longer(path: str, joint: str, name: str) -> str:
    if len(path) > _LONGEST:
        return path if path.endswith("/...") else f"{path}/..."
    return f"{path}{joint}{name}"


class _Patterns(dict[str, _Pattern]):
    """Those that begin with what an account is told of, remembered from one document to the next: hostile ones may have any."""

    size = 0

    def __missing__(self, path: str) -> _Pattern:
        found = self[path] = _Pattern(path)
        return found


_PATTERNS: Final = _Patterns()
_MOST_PATHS: Final = 20_000
"""Paths that are remembered."""
_MOST_ROWS: Final = 2_000
"""Rows that are counted together."""


def _remember() -> bool:
    _PATTERNS.size += 1
    return _PATTERNS.size <= _MOST_PATHS


Step = tuple[Any, str, int]
"""A place in the entry: the place above, the element's name, its number among those of its name. Written out where it is needed."""
Waiting = tuple[Leaf, str, Node, str, bool]
"""A leaf that no rule took: with its name, its element, its path without positions, whether it is structure."""


Like = tuple[Any, ...]
"""The shape of an entry, and where each of its leaves went, or what it says where it went nowhere."""
Met = tuple[tuple[Row, ...], int]
"""Rows of an entry, and how many of its leaves are structure."""
_MOST_LEAVES: Final = 1_000
_MOST_MET: Final = 500
"""Leaves of an entry that is remembered, and entries that are: for one conversion only, since they hold values."""


_NAME: Final = itemgetter(1)
"""The order of attributes in a document says nothing."""


class Leftovers:
    """Goes through an entry or header after its resources are made."""

    def __init__(self, account: Account, place: Place, memory: dict[Any, Any]) -> None:
        """Count into an account what is in the document at a place; ``memory`` is the conversion's."""
        self._account = account
        self._met: dict[Like, Met] = memory.setdefault("ccda.leftovers", {})
        self._again: set[int] = set()
        """The id() of rows that this document has met."""
        self._place = place
        self._kept = 0
        self._rows: list[Row] = []
        self._settled = Settled()
        self._root: Node | None = None
        self._steps: dict[int, Step] = {}
        if _PATTERNS.size >= _MOST_PATHS:
            _PATTERNS.clear()
            _PATTERNS.size = 0

    def settle_entry(self, tree: Tree, settled: Settled, pattern: str) -> None:
        """Do as `settle` does for an entry; one whose like was met before is counted without looking into it."""
        leaves = tree.leaves
        if settled.refused or not settled.resources or len(leaves) > _MOST_LEAVES or "" in leaves:
            self.settle(tree.root, settled, pattern)
            return
        # What a leaf's value says here is of those only that no rule took; and where it is to be kept, nothing is remembered.
        like = (pattern, tree.shape, *tree.fixed, *[one.where or one for one in leaves])
        met = self._met.get(like)
        if met is None:
            self._learn(like, tree.root, settled, pattern)
            return
        rows, structure = met
        self._account.structure += structure
        if id(rows) in self._again:
            self._account.enter_often(rows)
        else:
            self._again.add(id(rows))
            self._rows += rows

    def _learn(self, like: Like, root: Node, settled: Settled, pattern: str) -> None:
        before = len(self._rows), self._account.structure, self._kept
        self._go(root, settled, pattern, None)
        if self._kept == before[2] and len(self._met) < _MOST_MET:
            rows = tuple(self._rows[before[0] :])
            self._met[like] = rows, self._account.structure - before[1]
            self._again.add(id(rows))
        self._count()

    def settle(self, root: Node, settled: Settled, pattern: str, owner: Resource | None = None) -> None:
        """Give every leaf below the root its fate, and count it; entries are counted some at a time.

        ``owner`` keeps what belongs to no resource that passed its checks, else the first of them does.
        """
        self._go(root, settled, pattern, owner)
        self._count(at_once=owner is not None)

    def _go(self, root: Node, settled: Settled, pattern: str, owner: Resource | None) -> None:
        self._settled = settled
        self._root = root
        self._steps = {}
        self._visit(root, _PATTERNS[pattern], owner or (settled.resources[0] if settled.resources else None))

    def _count(self, *, at_once: bool = False) -> None:
        if at_once or len(self._rows) > _MOST_ROWS:
            self._account.enter_all(self._rows)
            self._rows.clear()

    def _visit(self, node: Node, pattern: _Pattern, owner: Resource | None) -> str | None:
        """Return the first element of the output that anything in the node went to."""
        key = id(node)
        owner = self._settled.owners.get(key, None if key in self._settled.refused else owner)
        waiting: list[Waiting] = []
        first = self._own(node, pattern.inside, waiting, marker=False)
        for kid in node.kids:
            name = kid.name
            if name in _MARKING and _is_marker(kid):
                mapped = self._own(kid, pattern[name].inside, waiting, marker=True)
            else:
                mapped = self._visit(kid, pattern[name], owner)
            if first is None:
                first = mapped
        for one in waiting:
            self._leave(one, first, owner)
        return first

    def _own(self, node: Node, inside: _Inside, waiting: list[Waiting], *, marker: bool) -> str | None:
        """Count a node's own leaves that are mapped, and note the others; return the element that the first one went to."""
        first: str | None = None
        rows, before = self._rows, len(waiting)
        for name, one in node.attrs.items():
            if one.fate == "mapped":
                if one:
                    where = one.where
                    first = first or where[0]
                    rows.append((inside[name], "mapped", where))
                    if marker or name in STRUCTURE:
                        self._account.structure += 1
            elif one:
                structure = marker or (name in STRUCTURE and (name != "negationInd" or one.lower() == "false"))
                waiting.append((one, name, node, inside[name], structure))
        if len(waiting) > before + 1:
            waiting[before:] = sorted(waiting[before:], key=_NAME)
        text = node.text
        if text is not None:
            if text.fate == "mapped":
                first = first or text.where[0]
                rows.append((inside["#text"], "mapped", text.where))
            else:
                waiting.append((text, "#text", node, inside["#text"], False))
        return first

    def _leave(self, waiting: Waiting, first: str | None, owner: Resource | None) -> None:
        one, name, node, path, structure = waiting
        if structure and first is not None:
            one.fate, one.where = "mapped", (first,)
            self._account.structure += 1
        else:
            reason = _reasons().get((node.name, name)) or _reasons().get(("*", name))
            if reason is not None or owner is None:
                drop(one, reason or ("ccda.set-aside" if self._settled.refused else "ccda.empty-entry"))
            else:
                self._kept += 1
                if self._kept > MOST_KEPT:
                    raise Poison("ccda.over-limit", "The document holds too much that is not C-CDA.", self._place)
                _keep(one, owner, f"{_path(self._step(node))}{_joint(name)}{name}")
        self._rows.append((path, one.fate, one.where))

    def _step(self, node: Node) -> Step:
        """Return where a node is; few are asked for, and where none is, none is looked for."""
        if not self._steps and self._root is not None:
            self._steps = _steps_of(self._root)
        return self._steps[id(node)]


def _steps_of(root: Node) -> dict[int, Step]:
    found: dict[int, Step] = {id(root): (None, root.name, 1)}
    waiting = [root]
    while waiting:
        node = waiting.pop()
        here = found[id(node)]
        for name in node.by:
            for number, kid in enumerate(node.all(name), 1):
                found[id(kid)] = (here, name, number)
        waiting += node.kids
    return found


def _path(step: Step | None) -> str:
    parts: list[str] = []
    while step is not None and len(parts) < _MOST_STEPS:
        above, name, number = step
        parts.append(name if number == 1 else f"{name}[{number}]")
        step = above
    return "/".join(reversed(parts if step is None else [*parts, "..."]))


def _joint(name: str) -> str:
    return "/" if name == "#text" else "/@"


def _is_marker(node: Node) -> bool:
    name = node.name
    if name not in _MARKING:
        return False
    return not node.kids and (name == "templateId" or (name, node.attrs.get("code")) in fixed_codes())


def _keep(one: Leaf, owner: Resource, path: str) -> None:
    kept: dict[str, Any] = {
        "url": KEPT,
        "extension": [{"url": "path", "valueString": path}, {"url": "value", "valueString": str(one)}],
    }
    owner.setdefault("extension", []).append(kept)
    keep(one, f"{owner['resourceType']}.extension")
