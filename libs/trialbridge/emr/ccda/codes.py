"""Coded values (CD, CE, CO, CS) as FHIR codes, codings and concepts: every translation is kept, nothing is looked up beyond the tables."""

import re
from functools import cache, lru_cache
from typing import Any, Final

from trialbridge.emr.account import Derived, Leaf, made
from trialbridge.emr.ccda.document import Document
from trialbridge.emr.ccda.xmltree import Node
from trialbridge.emr.tables.rows import rows, triples

ABSENT: Final = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
_SHORT: Final = 100
"""Characters of what is remembered."""
_OID: Final = re.compile(r"[0-2](?:\.(?:0|[1-9]\d*))+", re.ASCII)
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+", re.ASCII)


@cache
def _by_oid() -> dict[str, str]:
    return {oid: uri for oid, uri, _ in rows("ccda_systems") if oid != "-"}


@cache
def _by_name() -> dict[str, str]:
    return {name.casefold(): uri for _, uri, names in rows("ccda_systems") for name in names.split("|") if name}


def uri_of(root: str) -> str | None:
    """Return the URI of an OID or UUID: its system's where the table knows it; None where it is none."""
    known = _by_oid().get(root)
    if known is not None:
        return known
    return _remembered(str(root)) if len(root) < _SHORT else _unknown(root)


def _unknown(root: str) -> str | None:
    if _OID.fullmatch(root):
        return f"urn:oid:{root}"
    if _UUID.fullmatch(root):
        return f"urn:uuid:{root.lower()}"
    return root if _URI.fullmatch(root) else None


_remembered: Final = lru_cache(maxsize=1024)(_unknown)
"""The same few roots come again and again."""


def system_of(node: Node) -> Derived | None:
    """Return the URI of a code's system: of its OID, else of its name."""
    attrs = node.attrs
    oid, name = attrs.get("codeSystem"), attrs.get("codeSystemName")
    named = _by_name().get(name.casefold()) if name else None
    uri = uri_of(oid) if oid else named
    if uri is None:
        return made(named, name) if named is not None else None
    return made(uri, oid or None, name if named == uri else None)


def text_of(node: Node, document: Document) -> Leaf | Derived | None:
    """Return the words that a code stands for: written, or where they are in the narrative."""
    original = node.one("originalText")
    if original is None:
        return None
    if original.text is None:
        return document.referred(original) or original.get("value")
    shown = document.referred(original) if original.kids else None
    return (
        made(original.text, original.text, shown)
        if shown is not None and str(shown) == str(original.text)
        else original.text
    )


def coding(node: Node) -> dict[str, Any] | None:
    """Return one coding, None where there is neither code nor name."""
    attrs = node.attrs
    code, display = attrs.get("code"), attrs.get("displayName")
    found: dict[str, Any] = {}
    if code:
        system = system_of(node)
        if system is not None:
            found["system"] = system
        version = attrs.get("codeSystemVersion")
        if version:
            found["version"] = version
        words = code.split()
        found["code"] = code if len(words) == 1 else made(" ".join(words), code)
    if display:
        found["display"] = display
    return found or None


def concept(node: Node, document: Document) -> dict[str, Any] | None:
    """Return a CodeableConcept with all translations; a null one says why it is null, None where it says nothing at all."""
    first = coding(node)
    if first is not None and not node.kids:
        return {"coding": [first]}
    codings = [first] if first is not None else []
    codings += [one for coded in node.all("translation") if (one := coding(coded)) is not None]
    found: dict[str, Any] = {}
    if codings:
        found["coding"] = codings
    words = text_of(node, document)
    if words is None:
        words = next((text for one in node.all("translation") if (text := text_of(one, document))), None)
    if words is not None:
        found["text"] = words
    elif not codings and node.text is not None:
        found["text"] = node.text
    return found or absent(node)


def absent(node: Node) -> dict[str, Any] | None:
    """Return an element that only says why it is null, None where its null flavor says nothing."""
    reason = absent_reason(node)
    return {"extension": [{"url": ABSENT, "valueCode": reason}]} if reason is not None else None


def absent_reason(node: Node) -> Derived | None:
    """Return the reason (FHIR data-absent-reason) of a null flavor."""
    flavor = node.get("nullFlavor")
    word = triples("ccda_codes").get(("nullFlavor", flavor)) if flavor is not None else None
    return made(word, flavor) if word else None


def whole(node: Node) -> tuple[Leaf, ...]:
    """Return all leaves of a coded value: what a table makes of the code stands for its system and name as well."""
    return tuple(node.attrs.values())


def word(node: Node | None, table: str) -> Derived | None:
    """Return what a table says for a code, None where it says nothing."""
    if node is None:
        return None
    known = triples("ccda_codes")
    for one in (node, *node.all("translation")) if node.kids else (node,):
        code = one.attrs.get("code")
        found = known.get((table, code)) if code else None
        if found:
            return made(found, *whole(one))
    return None


def status(system: str, code: str, *of: str | None) -> dict[str, Any]:
    """Return a concept of a FHIR code system of HL7's, by its short name."""
    return {"coding": [{"system": f"http://terminology.hl7.org/CodeSystem/{system}", "code": made(code, *of)}]}
