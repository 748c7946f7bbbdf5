"""Identifiers, names, addresses and telecoms (II, EN, AD, TEL) in FHIR's shapes."""

import re
from collections.abc import Iterable
from typing import Any, Final

from trialbridge.emr.account import Leaf, made
from trialbridge.emr.ccda import times
from trialbridge.emr.ccda.codes import uri_of
from trialbridge.emr.ccda.document import Document
from trialbridge.emr.ccda.xmltree import Node
from trialbridge.emr.tables.rows import triples

URI_SYSTEM: Final = "urn:ietf:rfc:3986"
QUALIFIER: Final = "http://hl7.org/fhir/StructureDefinition/iso21090-EN-qualifier"
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9.+-]*):\s*(?://)?(.*)", re.DOTALL)
_LINES: Final = (
    "streetAddressLine", "houseNumber", "streetName", "direction", "unitID", "additionalLocator", "deliveryAddressLine",
    "postBox", "careOf",
)  # fmt: skip
_PARTS: Final = (
    ("city", "city"), ("state", "state"), ("postalCode", "postalCode"), ("country", "country"), ("county", "district"),
)  # fmt: skip


def key_of(nodes: Iterable[Node]) -> tuple[str, str] | None:
    """Return root and extension of the first identifier that is one, to derive ids of."""
    for node in nodes:
        root, extension = node.attrs.get("root"), node.attrs.get("extension")
        if (root or extension) and "nullFlavor" not in node.attrs:
            return (root or "").lower(), str(extension or "")
    return None


def identifier(node: Node) -> dict[str, Any] | None:
    """Return an Identifier of an II: the root is its system; a root alone is itself the value (RFC 3986)."""
    root, extension = node.get("root"), node.get("extension")
    found: dict[str, Any] = {}
    uri = uri_of(root) if root is not None else None
    if extension is not None:
        if uri is not None:
            found["system"] = made(uri, root)
        found["value"] = extension
    elif root is not None:
        found = {"system": URI_SYSTEM, "value": made(uri, root)} if uri is not None else {"value": root}
    authority = node.get("assigningAuthorityName")
    if found and authority is not None:
        found["assigner"] = {"display": authority}
    return found or None


def identifiers(nodes: Iterable[Node]) -> list[dict[str, Any]]:
    """Return the Identifiers of all IIs that are not null."""
    return [one for node in nodes if (one := identifier(node)) is not None]


def _use(node: Node, table: str) -> Any:
    given = node.get("use")
    for word in (given or "").split():
        found = triples("ccda_codes").get((table, word))
        if found:
            return made(found, given)
    return None


def _timed(found: dict[str, Any], node: Node, document: Document, name: str) -> dict[str, Any] | None:
    if not found:
        return None
    valid = node.one(name)
    period = times.period(valid, document) if valid is not None else None
    return {**found, "period": period} if period else found


def human_name(node: Node, document: Document) -> dict[str, Any] | None:
    """Return a HumanName of a PN, None where it is empty."""
    found: dict[str, Any] = {}
    use = _use(node, "nameUse")
    if use is not None:
        found["use"] = use
    families = [one for one in node.all("family") if one.text]
    if families:
        words = [one.text for one in families]
        found["family"] = words[0] if len(words) == 1 else made(" ".join(map(str, words)), *words)
        _qualified(found, "_family", families[:1])
    for name in ("given", "prefix", "suffix"):
        parts = [one for one in node.all(name) if one.text]
        if parts:
            found[name] = [one.text for one in parts]
            _qualified(found, f"_{name}", parts)
    if node.text is not None:
        found["text"] = node.text
    return _timed(found, node, document, "validTime") if set(found) - {"use"} else None


def _qualified(found: dict[str, Any], name: str, parts: list[Node]) -> None:
    """Say what a part is, a call-me or maiden name for example (ISO 21090); JSON has null for parts of which nothing is said."""
    codes = [one.get("qualifier") for one in parts]
    if any(codes):
        said = [
            {"extension": [{"url": QUALIFIER, "valueCode": code} for code in _codes(given)]} if given else None
            for given in codes
        ]
        found[name] = said[0] if name == "_family" else said


def _codes(given: Leaf | None) -> list[Any]:
    words = (given or "").split()
    return [given] if len(words) == 1 else [made(word, given) for word in words]


def address(node: Node, document: Document) -> dict[str, Any] | None:
    """Return an Address of an AD, None where it is empty."""
    found: dict[str, Any] = {}
    use = _use(node, "addressUse")
    lines = [one.text for one in node.kids if one.name in _LINES and one.text]
    if lines:
        found["line"] = lines
    for source, target in _PARTS:
        part = node.one(source)
        if part is not None and part.text:
            found[target] = part.text
    if node.text is not None:
        found["text"] = node.text
    if not found:
        return None
    return _timed({"use": use, **found} if use is not None else found, node, document, "useablePeriod")


def telecom(node: Node, document: Document) -> dict[str, Any] | None:
    """Return a ContactPoint of a TEL, None where it is empty."""
    value = node.get("value")
    if value is None:
        return None
    matched = _SCHEME.fullmatch(value)
    scheme, rest = (matched[1].lower(), matched[2].strip()) if matched else ("", value)
    system = triples("ccda_codes").get(("telecomScheme", scheme)) or ("email" if "@" in value else "other")
    if not matched and any(char.isdigit() for char in value) and "@" not in value:
        system = "phone"
    shown = str(value) if system in ("url", "other") or not rest else rest
    found: dict[str, Any] = {"system": made(system, value), "value": value if shown == value else made(shown, value)}
    use = _use(node, "telecomUse")
    if use is not None:
        found["use"] = use
    return _timed(found, node, document, "useablePeriod")


def contacts(node: Node, document: Document) -> dict[str, list[dict[str, Any]]]:
    """Return ``telecom`` and ``address`` of an entity, each only where it has some."""
    telecoms = [one for given in node.all("telecom") if (one := telecom(given, document)) is not None]
    homes = [one for given in node.all("addr") if (one := address(given, document)) is not None]
    found = {"telecom": telecoms, "address": homes}
    return {name: values for name, values in found.items() if values}


def names_of(node: Node | None, document: Document) -> list[dict[str, Any]]:
    """Return the HumanNames of a person."""
    given = node.all("name") if node is not None else []
    return [one for name in given if (one := human_name(name, document)) is not None]
