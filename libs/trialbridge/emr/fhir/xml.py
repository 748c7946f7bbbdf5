"""FHIR as XML becomes FHIR as JSON, by each edition's element types; read safely: no DTD, no entities, no network, limited size.

Decimals keep their digits. What JSON has no place for (foreign attributes, text between elements) is dropped and counted.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from lxml import etree

from trialbridge.contracts.errors import Place, Poison
from trialbridge.emr.fhir.elements import OLDER, Edition, Kind, elements_of
from trialbridge.emr.records import Warnings

NAMESPACE: Final = "{http://hl7.org/fhir}"
XHTML: Final = "{http://www.w3.org/1999/xhtml}"
LARGEST: Final = 64 * 1024 * 1024
"""Bytes of a document; libxml2 itself stops at 256 levels and at texts of 10 MB."""
_CHUNK: Final = 64 * 1024
_LIMITS: Final = frozenset({"ERR_RESOURCE_LIMIT", "ERR_ENTITY_LOOP", "ERR_NO_MEMORY"})
_ENTITIES: Final = frozenset({"ERR_UNDECLARED_ENTITY", "WAR_UNDECLARED_ENTITY"})
_ENCODINGS: Final = frozenset({"ERR_INVALID_ENCODING", "ERR_UNKNOWN_ENCODING", "ERR_UNSUPPORTED_ENCODING", "ERR_INVALID_CHAR"})  # fmt: skip
_WHOLE: Final = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_DECIMAL: Final = re.compile(r"-?(0|[1-9][0-9]{0,99})(\.[0-9]{1,99})?([eE][+-]?[0-9]{1,4})?")
_WHOLES: Final = frozenset({"integer", "positiveInt", "unsignedInt"})
_UNKNOWN: Final = "?"

Element = Any
"""An element of lxml."""


@dataclass(frozen=True, slots=True)
class Document:
    """A document as JSON, and its edition where it is none of R4's."""

    value: dict[str, Any]
    edition: Edition | None


def read_xml(body: bytes, place: Place, label: Edition | None, warnings: Warnings) -> Document:
    """Return a document as JSON; raise `Poison` ``xml.…`` with the line, or ``fhir.not-fhir``."""
    root = _parsed(body, place)
    name = _name(root)
    if not root.tag.startswith(NAMESPACE) or not any(_is_resource(one, name) for one in ("R4", *OLDER)):
        raise Poison("fhir.not-fhir", "This XML is not a FHIR resource.", place)
    first: Edition = "R4" if label in (None, "R4", "R4B") else label
    reader = Reader(first)
    value = reader.resource(root, name)
    if reader.unknown and label is None:
        for edition in OLDER:
            other = Reader(edition)
            found = other.resource(root, name)
            if other.unknown < reader.unknown:
                reader, value = other, found
    warnings.account.enter_counts(reader.stray, "dropped", "fhir.no-place-in-json")
    return Document(value, None if reader.edition == "R4" else reader.edition)


def _is_resource(edition: Edition, name: str) -> bool:
    return "implicitRules" in (elements_of(edition, name) or ())


def _parsed(body: bytes, place: Place) -> Element:
    if len(body) > LARGEST:
        raise Poison("xml.too-large", "The document is larger than any that is read.", place)
    parser = etree.XMLPullParser(
        events=("start",), remove_comments=True, remove_pis=True, resolve_entities=False, no_network=True, load_dtd=False,
        dtd_validation=False, huge_tree=False,
    )  # fmt: skip
    root = None
    try:
        for start in range(0, len(body), _CHUNK):
            parser.feed(body[start : start + _CHUNK])
            for _, element in parser.read_events():
                if root is None:
                    root = element
                    if root.getroottree().docinfo.internalDTD is not None:
                        raise Poison("xml.dtd", "The document has a DTD, which FHIR never has.", place)
        parser.close()
    except etree.XMLSyntaxError as error:
        raise _located(error, place) from None
    if root is None:
        raise Poison("xml.broken", "This is not well-formed XML.", place)
    return root


def _located(error: etree.XMLSyntaxError, place: Place) -> Poison:
    name = etree.ErrorTypes._getName(error.code, "") if isinstance(error.code, int) else ""  # type: ignore[attr-defined]  # noqa: SLF001
    line, column = error.position
    where = Place(bundle=place.bundle, entry=place.entry, field=f"line {line}, column {column}")
    if name in _LIMITS:
        return Poison("xml.over-limit", "The XML is nested too deeply or holds a text that is too long.", where)
    if name in _ENTITIES:
        return Poison("xml.entity", "The XML uses an entity, which FHIR never defines.", where)
    if name in _ENCODINGS:
        return Poison("xml.encoding", "The bytes do not follow the encoding that the XML names.", where)
    return Poison("xml.broken", "This is not well-formed XML.", where)


def _name(element: Element) -> str:
    return str(element.tag.rpartition("}")[2])


class Reader:
    """Reads elements as those of one edition."""

    def __init__(self, edition: Edition) -> None:
        """Begin with nothing unknown."""
        self.edition: Edition = edition
        self.unknown = 0
        """Elements that the edition does not have, or has otherwise."""
        self.stray: Counter[str] = Counter()
        """Values that JSON has no place for, by path."""

    def resource(self, element: Element, name: str) -> dict[str, Any]:
        """Return a resource; the element's name is its type."""
        if not _is_resource(self.edition, name):
            self.unknown += 100
        return {"resourceType": name, **self._object(element, Kind(name, several=False), name)}

    def _object(self, element: Element, kind: Kind, path: str) -> dict[str, Any]:
        elements = elements_of(self.edition, kind.name) or {}
        found: dict[str, Any] = {}
        for name, value in element.items():
            if name == "id" or (name == "url" and kind.name == "Extension"):
                found[name] = value
            else:
                self.unknown += name == "value"
                self._lose(path, f"@{name.rpartition('}')[2]}")
        if any(text and text.strip() for text in (element.text, *(child.tail for child in element))):
            self._lose(path, "#text")
        for child in element:
            name = _name(child)
            if child.tag.startswith(XHTML) and name == "div":
                text = etree.tostring(child, encoding="unicode", with_tail=False)
                found["div"] = text if "div" not in found else [*_listed(found["div"]), text]
                continue
            inner = elements.get(name) if child.tag.startswith(NAMESPACE) else None
            if inner is None:
                self.unknown += 1
                inner = Kind(_UNKNOWN if child.get("value") is None else "string", several=False)
            self._add(found, name, inner, child, f"{path}.{name}")
        return found

    def _add(self, found: dict[str, Any], name: str, kind: Kind, child: Element, path: str) -> None:
        """Add an element; several of a name make a list, whether there may be several or not: the checks will say so."""
        if kind.is_primitive:
            value, beside = self._primitive(child, kind, path)
        else:
            value, beside = self._complex(child, kind, path), None
        several = kind.several or name in found or f"_{name}" in found
        if not several:
            found.update({key: one for key, one in ((name, value), (f"_{name}", beside)) if one is not None})
            return
        values, besides = _listed(found.get(name)), _listed(found.get(f"_{name}"))
        count = max(len(values), len(besides))
        if value is not None or values:
            found[name] = [*values, *[None] * (count - len(values)), value]
        if beside is not None or besides:
            found[f"_{name}"] = [*besides, *[None] * (count - len(besides)), beside]
        if value is not None and not values and count:
            found[name] = [*[None] * count, value]

    def _complex(self, child: Element, kind: Kind, path: str) -> Any:
        if kind.name != "Resource":
            return self._object(child, kind, path)
        inner = next(iter(child), None)
        if inner is None or len(child) > 1:
            self.unknown += 1
            return self._object(child, Kind(_UNKNOWN, several=False), path)
        self._object(_Around(child), Kind(_UNKNOWN, several=False), path)
        return self.resource(inner, _name(inner))

    def _primitive(self, child: Element, kind: Kind, path: str) -> tuple[Any, Any]:
        """Return a plain value, None for none, and the id and extensions that stand beside it."""
        text = child.get("value")
        others = Kind("Element", several=False)
        is_plain = text is not None and len(child.attrib) == 1 and len(child) == 0 and child.text is None
        beside = {} if is_plain else self._object(_Beside(child), others, path)
        if text is None and not beside:
            self.unknown += len(child) == 0
            return ("" if len(child) == 0 else {}), None
        return None if text is None else _plain(text, kind.name), beside or None

    def _lose(self, path: str, name: str) -> None:
        shown = name if name[1:].isalnum() and len(name) < 48 else "@other"  # noqa: PLR2004
        self.stray[f"{path}.{shown}"] += 1


class _Around:
    """An element without what is in it, and the text around that."""

    def __init__(self, element: Element) -> None:
        self._element = element
        self.text = " ".join(text for text in (element.text, *(child.tail for child in element)) if text)

    def items(self) -> list[tuple[str, str]]:
        return [(name if name not in ("id", "url") else f"@{name}", value) for name, value in self._element.items()]

    def __iter__(self) -> Iterator[Element]:
        return iter(())


class _Beside:
    """An element without its ``value``, which stands by itself."""

    def __init__(self, element: Element) -> None:
        self._element = element
        self.text = element.text

    def items(self) -> list[tuple[str, str]]:
        return [(name, value) for name, value in self._element.items() if name != "value"]

    def __iter__(self) -> Iterator[Element]:
        return iter(self._element)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _plain(text: str, kind: str) -> Any:
    """Return a value of a datatype; a text that is none stays a text, and the checks will say so."""
    if kind == "boolean" and text in ("true", "false"):
        return text == "true"
    if kind in _WHOLES and _WHOLE.fullmatch(text):
        return int(text)
    if kind == "decimal" and _DECIMAL.fullmatch(text):
        return Decimal(text)
    return text
