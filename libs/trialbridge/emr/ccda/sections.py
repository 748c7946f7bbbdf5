"""The sections of a document while they are read, and as sections of its Composition."""

from typing import Any, Final

from trialbridge.emr.account import made
from trialbridge.emr.ccda import codes
from trialbridge.emr.ccda.document import Document
from trialbridge.emr.ccda.narrative import OPEN, Narrative, plain
from trialbridge.emr.ccda.notes import attachment, note
from trialbridge.emr.ccda.xmltree import V3, Element, Names, Node, build
from trialbridge.emr.records import Resource
from trialbridge.emr.tables.rows import triples

EMPTY_REASONS: Final = "http://terminology.hl7.org/CodeSystem/list-empty-reason"
_TEXT: Final = f"{{{V3}}}text"
_CODE: Final = f"{{{V3}}}code"
_ELSEWHERE: Final = frozenset({"text", "entry", "component"})


class Section:
    """One section: open while its entries are read, then what its Composition's section is made of."""

    def __init__(self, element: Element, number: int) -> None:
        """Begin with an element of which only the start is read."""
        self.element: Element = element
        self.number = number
        self.entries = 0
        self.references: list[dict[str, str]] = []
        self.inner: list[Section] = []
        self.narrative: Narrative | None = None
        self.code = ""
        self.node = Node("section", {}, None, [])
        self.words = ""

    def read_narrative(self, names: Names) -> None:
        """Read the narrative, which comes before the entries, and what kind of section it is."""
        if self.narrative is None:
            self.narrative = Narrative(self.element.find(_TEXT), names)
            code = self.element.find(_CODE)
            self.code = code.get("code", "").strip() if code is not None else ""

    def close(self, names: Names) -> None:
        """Take all that is needed later and let go of the XML."""
        self.read_narrative(names)
        text = self.element.find(_TEXT)
        if text is not None and not self.entries and not self.inner:
            self.words = plain(text)
        kids = [build(child, names) for child in self.element if names[child.tag] not in _ELSEWHERE]
        bare = build(_childless(self.element), names)
        self.node = Node("section", bare.attrs, bare.text, kids)
        if self.narrative is not None:
            self.narrative.forget()
        self.element.clear()
        self.element = None

    def as_resource(self, document: Document) -> dict[str, Any]:
        """Return the Composition's section."""
        node, found = self.node, dict[str, Any]()
        title, code = node.one("title"), node.one("code")
        if title is not None and title.text:
            found["title"] = title.text
        concept = codes.concept(code, document) if code is not None else None
        if concept is not None:
            found["code"] = concept
        authors = [
            one
            for given in node.all("author")
            for role in given.all("assignedAuthor")
            if (one := document.actors.of(role))
        ]
        if authors:
            found["author"] = authors
        inner = [one.as_resource(document) for one in self.inner]
        if self.narrative is not None and self.narrative.xhtml:
            found["text"] = {"status": "additional", "div": self.narrative.xhtml}
        elif not self.references and not inner:
            found["text"] = {"status": "empty", "div": f"{OPEN}-</div>"}
        if self.references:
            found["entry"] = self.references
        elif not inner and (reason := _empty(node)) is not None:
            found["emptyReason"] = reason
        if inner:
            found["section"] = inner
        return found

    def as_note(self, document: Document, key: tuple[str, ...]) -> Resource | None:
        """Return a DocumentReference with the text of a section that is nothing but text, None for any other."""
        code = self.node.one("code")
        if not self.words or "nullFlavor" in self.node.attrs or code is None:
            return None
        concept = codes.concept(code, document)
        if concept is None:
            return None
        title = self.node.one("title")
        content = attachment(self.words)
        if title is not None and title.text:
            content["title"] = title.text
        return note(document, (*key, "section", str(self.number)), concept, content)


def _childless(element: Element) -> Element:
    from lxml import etree

    return etree.Element(element.tag, dict(element.items()))


def _empty(node: Node) -> dict[str, Any] | None:
    flavor = node.get("nullFlavor")
    reason = triples("ccda_codes").get(("emptyReason", str(flavor)))
    return {"coding": [{"system": EMPTY_REASONS, "code": made(reason, flavor)}]} if reason else None
