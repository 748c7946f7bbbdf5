"""Notes as DocumentReferences with their text, and the attachments of documents without structure."""

import base64
import re
from typing import Any, Final

from trialbridge.emr.account import made
from trialbridge.emr.ccda import codes
from trialbridge.emr.ccda.document import Document
from trialbridge.emr.ccda.plainness import twin
from trialbridge.emr.ccda.xmltree import Node
from trialbridge.emr.records import Resource

_BASE64: Final = re.compile(r"[A-Za-z0-9+/]*={0,2}")
PLAIN: Final = "text/plain; charset=utf-8"


def attachment(words: str, media_type: str = PLAIN) -> dict[str, Any]:
    """Return an Attachment that holds a text."""
    return {"contentType": media_type, "data": made(base64.b64encode(words.encode()).decode("ascii"), words)}


def note(document: Document, key: tuple[str, ...], kind: dict[str, Any], content: dict[str, Any]) -> Resource:
    """Return the DocumentReference of a narrative or attachment of the document."""
    return {
        "resourceType": "DocumentReference",
        "id": document.id_of("DocumentReference", document.local, *key),
        "meta": document.stamp,
        "status": "current",
        "type": kind,
        "subject": document.subject(),
        "content": [{"attachment": content}],
    }


def unstructured(
    body: Node, root: Node, composition: Resource, key: tuple[str, ...], document: Document
) -> Resource | None:
    """Return the DocumentReference of a document that is one attachment (nonXMLBody), None where it holds nothing."""
    text = body.one("text")
    if text is None:
        return None
    content = _attached(text)
    if content is None:
        return None
    found = note(document, (*key, "body"), twin(composition["type"]), content)
    if "date" in composition and "T" in composition["date"]:
        found["date"] = composition["date"]
    secrecy = root.one("confidentialityCode")
    coding = codes.coding(secrecy) if secrecy is not None else None
    if coding is not None:
        found["securityLabel"] = [{"coding": [coding]}]
    return found


def _attached(text: Node) -> dict[str, Any] | None:
    kind, words = text.get("mediaType"), text.text
    reference = text.one("reference")
    address = reference.get("value") if reference is not None else None
    found: dict[str, Any] = {"contentType": kind} if kind is not None else {}
    if words is not None and str(text.get("representation")).upper() == "B64":
        packed = "".join(words.split())
        if _BASE64.fullmatch(packed) is None:
            return None
        return {**found, "data": made(packed, words, text.get("representation"))}
    if words is not None:
        return attachment(words) if kind is None else {**attachment(words), "contentType": kind}
    return {**found, "url": address} if address is not None and not any(map(str.isspace, address)) else None
