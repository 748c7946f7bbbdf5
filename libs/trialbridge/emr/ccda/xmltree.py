"""Reads the XML of a document step by step and safely: no DTD, no entities, no network; size, depth and texts are limited.

Elements become light nodes whose attributes and texts are leaves of the account. Names are local to HL7 V3, whatever prefix the
document uses; those of other namespaces carry one of `PREFIXES`.
"""

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, Final

import msgspec
from lxml import etree

from trialbridge.contracts.errors import Place, Poison
from trialbridge.emr.account import Leaf
from trialbridge.emr.tables.rows import rows

V3: Final = "urn:hl7-org:v3"
PREFIXES: Final = {
    V3: "",
    "urn:hl7-org:sdtc": "sdtc:",
    "http://www.w3.org/2001/XMLSchema-instance": "xsi:",
    "http://www.w3.org/XML/1998/namespace": "xml:",
}
TYPE: Final = "xsi:type"
LARGEST: Final = 256 * 1024 * 1024
"""Bytes of a document; libxml2 itself stops at 256 levels and at texts of 10 MB."""
_LONGEST_NAME: Final = 48
_LONGEST_PATH: Final = 400
_CHUNK: Final = 64 * 1024
_LIMITS: Final = frozenset({"ERR_RESOURCE_LIMIT", "ERR_ENTITY_LOOP", "ERR_NO_MEMORY"})
_ENTITIES: Final = frozenset({"ERR_UNDECLARED_ENTITY", "WAR_UNDECLARED_ENTITY"})
_ENCODINGS: Final = frozenset({"ERR_INVALID_ENCODING", "ERR_UNKNOWN_ENCODING", "ERR_UNSUPPORTED_ENCODING", "ERR_INVALID_CHAR"})  # fmt: skip

CLINICAL: Final = frozenset(
    {
        "observation",
        "act",
        "procedure",
        "organizer",
        "substanceAdministration",
        "supply",
        "encounter",
        "observationMedia",
    }
)
"""Elements of CDA's clinical statements."""

Element = Any
"""An element of lxml."""


NO_KIDS: Final[list["Node"]] = []
NOTHING: Final[dict[str, "Node | list[Node]"]] = {}
NO_ATTRIBUTES: Final[dict[str, Leaf]] = {}


class Node(msgspec.Struct, eq=False, gc=False):
    """An element: its attributes and its text as leaves, its children in order and by name; nothing in it leads back to it."""

    name: str
    attrs: dict[str, Leaf]
    text: Leaf | None
    kids: "list[Node]"
    by: "dict[str, Node | list[Node]]"
    """Children by name: the one, or a list where there are several."""
    _mark: int | None = None

    @classmethod
    def of(cls, name: str, attrs: dict[str, Leaf], text: Leaf | None, kids: "list[Node]") -> "Node":
        """Return an element of its parts."""
        return cls(name, attrs, text, kids, by_name(kids))

    @property
    def mark(self) -> int:
        """The same for nodes of the same name and content, in this process."""
        if self._mark is None:
            attrs = self.attrs
            self._mark = hash((self.name, self.text, *attrs, *attrs.values(), *[kid.mark for kid in self.kids]))
        return self._mark

    def all(self, name: str) -> list["Node"]:
        """Return the children of a name."""
        found = self.by.get(name)
        if found is None:
            return NO_KIDS
        return found if type(found) is list else [found]  # type: ignore[list-item]  # the one

    def one(self, name: str) -> "Node | None":
        """Return the first child of a name that is not null, else the first one, else None."""
        found = self.by.get(name)
        if type(found) is list:
            return next((kid for kid in found if "nullFlavor" not in kid.attrs), found[0])
        return found  # type: ignore[return-value]  # the one, or None

    def leaves(self) -> list[Leaf]:
        """Return all leaves in the node, in an order that its shape fixes."""
        found: list[Leaf] = []
        waiting = [self]
        while waiting:
            node = waiting.pop()
            found.extend(node.attrs.values())
            if node.text is not None:
                found.append(node.text)
            waiting.extend(node.kids)
        return found

    def get(self, name: str) -> Leaf | None:
        """Return an attribute; None where it is absent or empty."""
        return self.attrs.get(name) or None


class Names(dict[str, str]):
    """Short names of qualified names, as they are met."""

    def __missing__(self, tag: str) -> str:
        """Return and remember the short name of a tag or attribute."""
        space, found, local = tag.rpartition("}")
        prefix = PREFIXES.get(space[1:]) if found else ""
        if len(local) > _LONGEST_NAME:
            # Names go into paths, which there may be one of for every leaf.
            local = f"{local[:_LONGEST_NAME]}~{len(self)}"
        name = self[tag] = local if prefix == "" else f"{prefix}{local}" if prefix else f"other:{local}"
        return name


@cache
def fixed_codes() -> frozenset[tuple[str, str | None]]:
    """Return elements and codes that only repeat what a template says."""
    return frozenset((element, code) for table, code, element in rows("ccda_codes") if table == "fixed")


def by_name(kids: list[Node]) -> dict[str, Node | list[Node]]:
    """Return children by name: the one, or a list where there are several."""
    by: dict[str, Node | list[Node]] = {}
    for kid in kids:
        _add(by, kid)
    return by


def _add(by: dict[str, Node | list[Node]], kid: Node) -> None:
    known = by.get(kid.name)
    if known is None:
        by[kid.name] = kid
    elif type(known) is list:
        known.append(kid)
    else:
        by[kid.name] = [known, kid]  # type: ignore[list-item]  # the one before


class Tree:
    """An element as nodes, with what is in it in the order of the document."""

    __slots__ = ("fixed", "leaves", "root", "shape", "text")

    def __init__(
        self, root: Node, shape: tuple[str | None, ...], leaves: list[Leaf], fixed: list[bool], text: str
    ) -> None:
        """Keep the parts."""
        self.root = root
        self.shape = shape
        """Names of elements and attributes, with `_WITHIN` before children and None at an element's end."""
        self.leaves = leaves
        """Attributes and texts; a text comes after the children."""
        self.fixed = fixed
        """Of each of `CODED` that holds nothing: whether its code only repeats what a template says."""
        self.text = text
        """All attributes and texts in one, with whatever between them."""

    @classmethod
    def of(cls, element: Element, names: Names) -> "Tree":
        """Read an element with all that is in it."""
        shape: list[str | None] = []
        leaves: list[Leaf] = []
        fixed: list[bool] = []
        root = _build(element, names, shape, leaves, fixed)
        return cls(root, tuple(shape), leaves, fixed, "\n".join(leaves))


_WITHIN: Final = "/"
CODED: Final = frozenset({"code", "statusCode"})
MARKED: Final = CLINICAL | {"assignedAuthor", "assignedEntity", "relatedEntity", "associatedEntity"}
"""Elements of which it is asked whether they were met before: their marks are made while they are read."""


def build(element: Element, names: Names) -> Node:
    """Return an element as a node with all that is in it."""
    return _build(element, names, [], [], [])


def _build(element: Element, names: Names, shape: list[str | None], leaves: list[Leaf], fixed: list[bool]) -> Node:
    name = names[element.tag]
    here = (len(shape), len(leaves)) if name in MARKED else None
    shape.append(name)
    # As in `attributes` and `stray_text`, without calls: a document is some thousands of elements.
    attrs = NO_ATTRIBUTES
    if items := element.items():
        attrs = {}
        for key, value in items:
            attrs[names[key]] = Leaf(value.strip())
        if TYPE in attrs and ":" in attrs[TYPE]:
            attrs[TYPE] = Leaf(unprefixed(attrs[TYPE]))
        shape += attrs
        leaves += attrs.values()
    text = (element.text or "").strip()
    kids, by = NO_KIDS, NOTHING
    inside = element[:]
    if inside:
        shape.append(_WITHIN)
        texts = [text] if text else []
        kids, by = [], {}
        for child in inside:
            kid = _build(child, names, shape, leaves, fixed)
            kids.append(kid)
            if kid.name in by:
                _add(by, kid)
            else:
                by[kid.name] = kid
            tail = child.tail
            if tail and not tail.isspace():
                texts.append(tail.strip())
        text = " ".join(texts)
    elif name in CODED:
        fixed.append((name, attrs.get("code")) in fixed_codes())
    leaf = None
    if text:
        leaf = Leaf(text)
        shape.append("#text")
        leaves.append(leaf)
    shape.append(None)
    mark = hash((hash(tuple(shape[here[0] :])), *leaves[here[1] :])) if here is not None else None
    return Node(name, attrs, leaf, kids, by, mark)


def stray_text(element: Element) -> Leaf | None:
    """Return the text between an element's children, None where there is none."""
    texts = [element.text, *[child.tail for child in element]]
    text = " ".join([stripped for one in texts if one and (stripped := one.strip())])
    return Leaf(text) if text else None


def attributes(element: Element, names: Names) -> dict[str, Leaf]:
    """Return an element's attributes; a type is without its prefix."""
    attrs = {names[key]: Leaf(value.strip()) for key, value in element.items()}
    kind = attrs.get(TYPE)
    if kind is not None and ":" in kind:
        attrs[TYPE] = Leaf(unprefixed(kind))
    return attrs


def unprefixed(name: str) -> str:
    """Return a type without its prefix."""
    return name.rpartition(":")[2] or name


def steps(body: bytes, tags: Iterable[str], place: Place) -> Iterator[tuple[str, Element]]:
    """Yield ``start`` and ``end`` of each V3 element of these names, as lxml's elements; raise `Poison` ``xml.…`` with the line."""
    if len(body) > LARGEST:
        raise Poison("xml.too-large", "The document is larger than any that is read.", place)
    parser = etree.XMLPullParser(
        events=("start", "end"),
        tag=[f"{{{V3}}}{tag}" for tag in tags],
        remove_comments=True,
        remove_pis=True,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        collect_ids=False,
    )
    checked = False
    try:
        for start in range(0, len(body), _CHUNK):
            parser.feed(body[start : start + _CHUNK])
            for event, element in parser.read_events():
                if not checked:
                    _refuse_dtd(element, place)
                    checked = True
                yield event, element
        parser.close()
    except etree.XMLSyntaxError as error:
        raise _located(error, place) from None


def _refuse_dtd(element: Element, place: Place) -> None:
    if element.getroottree().docinfo.internalDTD is not None:
        raise Poison("xml.dtd", "The document has a DTD, which clinical documents never have.", place)


def _located(error: etree.XMLSyntaxError, place: Place) -> Poison:
    name = etree.ErrorTypes._getName(error.code, "") if isinstance(error.code, int) else ""  # type: ignore[attr-defined]  # noqa: SLF001
    line, column = error.position
    where = Place(bundle=place.bundle, entry=place.entry, field=f"line {line}, column {column}")
    if name in _LIMITS:
        return Poison("xml.over-limit", "The XML is nested too deeply or holds a text that is too long.", where)
    if name in _ENTITIES:
        return Poison("xml.entity", "The XML uses an entity, which clinical documents never define.", where)
    if name in _ENCODINGS:
        return Poison("xml.encoding", "The bytes do not follow the encoding that the XML names.", where)
    return Poison("xml.broken", "This is not well-formed XML.", where)


def paths_of(root: Node) -> dict[int, str]:
    """Return the paths of all nodes from the root on by their id(), with positions from the second child of a name on.

    Names are those of HL7 V3; any other is shown as ``other``, since it may be anything.
    """
    found: dict[int, str] = {}
    waiting = [(root, _shown(root.name))]
    while waiting:
        node, path = waiting.pop()
        found[id(node)] = path
        seen: dict[str, int] = {}
        for kid in node.kids:
            name = _shown(kid.name)
            number = seen[name] = seen.get(name, 0) + 1
            step = f"{path}/{name}" if number == 1 else f"{path}/{name}[{number}]"
            waiting.append((kid, step if len(step) < _LONGEST_PATH else path))
    return found


def _shown(name: str) -> str:
    return name if name.removeprefix("sdtc:").isalpha() and name.isascii() and len(name) < _LONGEST_NAME else "other"
