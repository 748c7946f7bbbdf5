"""Entries whose structure came before are made into nodes by a mould, without looking at their elements one by one.

A mould is the markup of an entry without the values of its attributes, with the nodes that it becomes: of
``<observation><code code="718-7" codeSystem="1.2"/></observation>`` it is ``<observation><code code="" codeSystem=""/></observation>``
and two steps, `code` with its two leaves, then `observation` around it. Markup is told from values by splitting at the quotes. No value
is remembered, and no entry that holds text has one.
"""

from typing import Final, NamedTuple

from lxml import etree

from trialbridge.emr.account import Leaf
from trialbridge.emr.bounded import Bounded
from trialbridge.emr.ccda.xmltree import (
    CODED,
    MARKED,
    NO_ATTRIBUTES,
    NO_KIDS,
    NOTHING,
    TYPE,
    Element,
    Names,
    Node,
    Tree,
    by_name,
    fixed_codes,
    unprefixed,
)

LONGEST: Final = 32_768
"""Characters of an entry's markup that a mould is made of."""
MOST: Final = 1_000_000
"""Characters of all moulds together; each takes some ten bytes."""
TRIES: Final = 12
"""Entries of a document that may have no mould before it counts how many have one."""


class Step(NamedTuple):
    """One node, made after those that are in it: they are the last ones that were made."""

    name: str
    keys: tuple[str, ...]
    first: int
    """Its first attribute among the leaves."""
    last: int
    kids: int
    called: tuple[str, ...] | None
    """The names of its children; None where several are of one name."""
    mark: tuple[int, int] | None
    """What its shape comes to, and the leaf after its last one."""


class Mould(NamedTuple):
    """The structure of an entry."""

    spaces: tuple[str, ...]
    """The namespaces that it is in, which come before the first attribute."""
    names: tuple[str, ...]
    """Qualified names of elements and attributes, as they come."""
    shape: tuple[str | None, ...]
    steps: tuple[Step, ...]
    types: tuple[int, ...]
    """Leaves that are names of types."""
    coded: tuple[tuple[str, int], ...]
    """Elements of `CODED` that hold nothing, and the leaf that is the code; -1 where there is none."""


class _Store:
    """The moulds of a process."""

    def __init__(self) -> None:
        self.moulds: dict[str, Mould] = {}
        """By markup."""
        self.seen: Bounded[int, bool] = Bounded()
        """What came before, by the hash of its markup, which may hold text: whether one may be made of it."""
        self._size = 0

    def keep(self, markup: str, mould: Mould) -> None:
        self._size += len(markup)
        if self._size > MOST:
            self.moulds.clear()
            self._size = len(markup)
        self.moulds[markup] = mould


_STORE: Final = _Store()


class Moulding:
    """Reads the entries of one document."""

    def __init__(self, names: Names) -> None:
        """Begin with none."""
        self._names = names
        self._met: set[str] = set()
        self._hits = self._misses = 0

    def read(self, element: Element) -> Tree:
        """Return an entry as a tree."""
        if self._misses > TRIES + self._hits:
            return Tree.of(element, self._names)
        text = etree.tostring(element, encoding="unicode", with_tail=False)
        if len(text) > LONGEST or "&" in text:
            return Tree.of(element, self._names)
        parts = text.split('"')
        markup = '"'.join(parts[::2])
        mould = _STORE.moulds.get(markup)
        if mould is not None and tuple(parts[1 : 2 * len(mould.spaces) : 2]) == mould.spaces:
            self._hits += 1
            if markup not in self._met:
                self._met.add(markup)
                for name in mould.names:
                    self._names[name]
            return _filled(mould, parts[2 * len(mould.spaces) + 1 :: 2], text)
        self._misses += 1
        tree = Tree.of(element, self._names)
        if mould is None:
            may_be_made = _STORE.seen.get(hash(markup))
            made = _made(element, tree, parts, self._names) if may_be_made else None
            if made is not None:
                _STORE.keep(markup, made)
            else:
                _STORE.seen.keep(hash(markup), may_be_made is None)
        return tree


def _filled(mould: Mould, values: list[str], text: str) -> Tree:
    """Return the tree of a mould with values in it."""
    leaves = [Leaf(one.strip()) for one in values]
    for at in mould.types:
        if ":" in leaves[at]:
            leaves[at] = Leaf(unprefixed(leaves[at]))
    nodes: list[Node] = []
    for name, keys, first, last, count, called, mark in mould.steps:
        kids, by = NO_KIDS, NOTHING
        if count == 1:
            kid = nodes.pop()
            kids, by = [kid], {kid.name: kid}
        elif count:
            kids = nodes[-count:]
            del nodes[-count:]
            by = dict(zip(called, kids)) if called is not None else by_name(kids)  # noqa: B905 - as many as there are
        attrs = NO_ATTRIBUTES
        if last - first == 1:
            attrs = {keys[0]: leaves[first]}
        elif keys:
            attrs = dict(zip(keys, leaves[first:last]))  # noqa: B905 - the same
        marked = hash((mark[0], *leaves[first : mark[1]])) if mark is not None else None
        nodes.append(Node(name, attrs, None, kids, by, marked))
    fixed = [(name, leaves[at] if at >= 0 else None) in fixed_codes() for name, at in mould.coded]
    return Tree(nodes[0], mould.shape, leaves, fixed, text)


def _made(element: Element, tree: Tree, parts: list[str], names: Names) -> Mould | None:
    """Return the mould of an entry, None where its values cannot be told by their order alone."""
    values = parts[1::2]
    spaces = len(values) - len(tree.leaves)
    if "#text" in tree.shape or spaces < 0 or len(parts) % 2 == 0:
        return None
    # Each namespace is declared where the entry begins: any other would be taken for an attribute.
    declared = [part.split(" ")[-1] for part in parts[: 2 * spaces : 2]]
    if (
        not all(one.startswith("xmlns") for one in declared)
        or [
            leaf if leaf == one else unprefixed(one)
            for leaf, one in zip(tree.leaves, map(str.strip, values[spaces:]), strict=True)
        ]
        != tree.leaves
    ):
        return None
    qualified = tuple(name for one in element.iter() for name in (one.tag, *one.keys()))
    if any("~" in names[name] for name in qualified):
        return None
    work = _Making(tree)
    work.node(tree.root)
    return Mould(tuple(values[:spaces]), qualified, tree.shape, tuple(work.steps), tuple(work.types), tuple(work.coded))


class _Making:
    """The steps of a mould while it is made."""

    def __init__(self, tree: Tree) -> None:
        self.steps: list[Step] = []
        self.types: list[int] = []
        self.coded: list[tuple[str, int]] = []
        self._shape = tree.shape
        self._at = 0
        self._leaf = 0

    def node(self, node: Node) -> None:
        begin, first = self._at, self._leaf
        keys = tuple(node.attrs)
        self._leaf += len(keys)
        self._at += 1 + len(keys) + bool(node.kids)
        if TYPE in keys:
            self.types.append(first + keys.index(TYPE))
        for kid in node.kids:
            self.node(kid)
        if not node.kids and node.name in CODED:
            self.coded.append((node.name, first + keys.index("code") if "code" in keys else -1))
        self._at += 1
        called = tuple(kid.name for kid in node.kids)
        mark = (hash(self._shape[begin : self._at]), self._leaf) if node.name in MARKED else None
        self.steps.append(
            Step(
                node.name,
                keys,
                first,
                first + len(keys),
                len(called),
                called if len({*called}) == len(called) else None,
                mark,
            )
        )
