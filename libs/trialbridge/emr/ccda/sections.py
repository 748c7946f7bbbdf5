"""The sections of a document while they are read, and as sections of its Composition."""

from typing import Any, Final

from trialbridge.emr.account import made
from trialbridge.emr.ccda import codes
from trialbridge.emr.ccda.document import Document
from trialbridge.emr.ccda.narrative import OPEN, Narrative, plain
from trialbridge.emr.ccda.notes import attachment, note
from trialbridge.emr.ccda.xmltree import V3, Element, Names, Node, attributes, build, stray_text
from trialbridge.emr.records import Resource
from trialbridge.emr.tables.rows import triples

EMPTY_REASONS: Final = "http://terminology.hl7.org/CodeSystem/list-empty-reason"
_TEXT: Final = f"{{{V3}}}text"
_CODE: Final = f"{{{V3}}}code"
_ENTRY: Final = f"{{{V3}}}entry"


class Section:
    """One section: open while its entries are read, then what its Composition's section is made of."""

    def __init__(self, element: Element, number: int) -> None:
        """Begin with an element of which only the start is read."""
        self.element: Element = element
        self._text: Element = None
        self.number = number
        self.entries = 0
        self.references: list[dict[str, str]] = []
        self.inner: list[Section] = []
        self.narrative: Narrative | None = None
        self.code = ""
        self.node = Node.of("section", {}, None, [])
        self.words = ""

    def read_narrative(self, names: Names) -> Narrative:
        """Read the narrative, which comes before the entries, and what kind of section it is."""
        if self.narrative is None:
            found: dict[str, Element] = {}
            # How far the parser is ahead of us depends on the size of the document: what comes after the first entry does not count.
            for child in self.element:
                if child.tag == _ENTRY:
                    break
                found.setdefault(child.tag, child)
            self._text, code = found.get(_TEXT), found.get(_CODE)
            self.narrative = Narrative(self._text, names)
            self.code = code.get("code", "").strip() if code is not None else ""
        return self.narrative

    def close(self, names: Names) -> None:
        """Take all that is needed later and let go of the XML; entries and inner sections are read by now."""
        self.read_narrative(names)
        if self._text is not None and not self.entries and not self.inner:
            self.words = plain(self._text)
        kids = [build(child, names) for child in self.element if child is not self._text and child.tag != _ENTRY]
        self.node = Node.of("section", attributes(self.element, names), stray_text(self.element), kids)
        if self.narrative is not None:
            self.narrative.forget()
        self.element.clear(keep_tail=True)
        self.element = self._text = None

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


def _empty(node: Node) -> dict[str, Any] | None:
    flavor = node.get("nullFlavor")
    reason = triples("ccda_codes").get(("emptyReason", str(flavor)))
    return {"coding": [{"system": EMPTY_REASONS, "code": made(reason, flavor)}]} if reason else None
