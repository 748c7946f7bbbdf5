"""C-CDA documents to FHIR R4, entry by entry: a bad value or entry is set aside alone, a document that is no XML as a whole."""

from collections.abc import Iterator
from typing import Final

from lxml import etree

from trialbridge.contracts.errors import Place, Poison
from trialbridge.contracts.ids import LocalPatientId
from trialbridge.emr.account import Account, confirm
from trialbridge.emr.ccda import header, patient, provenance
from trialbridge.emr.ccda.actors import Actors
from trialbridge.emr.ccda.document import STATEMENT, Document
from trialbridge.emr.ccda.entries import Built, build_entry, unread
from trialbridge.emr.ccda.leftovers import Leftovers
from trialbridge.emr.ccda.moulds import Moulding
from trialbridge.emr.ccda.notes import unstructured
from trialbridge.emr.ccda.sections import Section
from trialbridge.emr.ccda.settling import Settled, settle_all
from trialbridge.emr.ccda.xmltree import CLINICAL, Element, Names, Node, Tree, attributes, build, steps, stray_text
from trialbridge.emr.moments import moment
from trialbridge.emr.records import Entry, Feed, Found, Piece, Resource, SetAside, Shared, Warnings

MEDIA_TYPES: Final = ("application/cda+xml", "application/hl7-cda+xml", "application/xml", "text/xml")
MOST_ERRORS: Final = 20
"""Errors of one entry that are reported with it; more are counted as warnings by their code."""
MOST_REPEATED: Final = 16 * 1024 * 1024
"""Characters of its narratives that a document's references may repeat."""
_OWN: Final = "RelatedPerson"
_STEPS: Final = ("ClinicalDocument", "section", "entry", "nonXMLBody")


def convert(entry: Entry, feed: Feed, warnings: Warnings) -> Iterator[Found]:
    """Yield what a document says of its patient, who took part in it, and what in it could not be read."""
    place = Place(entry=entry.name)
    reading: Reading | None = None
    for event, element in steps(entry.body, _STEPS, place):
        name = element.tag.rpartition("}")[2]
        if reading is not None:
            reading.step(event, name, element)
        elif name == "ClinicalDocument" and element.getparent() is None:
            reading = Reading(element, entry, feed, warnings)
        else:
            break
    if reading is None:
        raise Poison("ccda.not-a-document", "This XML is not a ClinicalDocument of HL7 V3.", place)
    yield from reading.finish()


class Reading:
    """One document while it is read from top to bottom; an entry is let go as soon as it is converted."""

    def __init__(self, root: Element, entry: Entry, feed: Feed, warnings: Warnings) -> None:
        """Begin at the root's start: nothing of it is known yet."""
        self._root = root
        self._document = Document(entry.name, feed, warnings, Names(), zone=feed.zone)
        self._document.actors = Actors(self._document)
        self._document.budget = MOST_REPEATED
        self._account = Account()
        self._leftovers = Leftovers(self._account, Place(entry=entry.name), warnings.memory)
        self._moulding = Moulding(self._document.names)
        self._authors = provenance.Authors(self._document)
        self._sections: list[Section] = []
        self._every: list[Section] = []
        self._open: list[Section] = []
        self._count = 0
        self._resources: list[Resource] = []
        self._header: Node | None = None
        self._target: Node | None = None
        self._body: Node | None = None

    def step(self, event: str, name: str, element: Element) -> None:
        """Take the start or end of a section or entry."""
        if self._header is None and name in ("section", "nonXMLBody"):
            self._begin(self._before(element))
        if name == "section" and event == "start":
            self._count += 1
            self._open.append(Section(element, self._count))
        elif name == "entry" and event == "end" and self._open and element.getparent() is self._open[-1].element:
            self._entry(element, self._open[-1])
        elif name == "section" and event == "end" and self._open:
            self._close(self._open.pop())
        elif name == "nonXMLBody" and event == "end" and self._body is None:
            self._body = build(element, self._document.names)
            element.clear(keep_tail=True)

    def _before(self, element: Element) -> list[Element]:
        """Return the root's children before the one that holds an element: the parser may be ahead of us by any number of others."""
        while (above := element.getparent()) is not self._root:
            element = above
        return list(self._root[: self._root.index(element)])

    def _begin(self, elements: list[Element]) -> None:
        """Read the header up to the body: whose the document is must be known before its entries."""
        document, names = self._document, self._document.names
        kids = [build(child, names) for child in elements]
        self._header = document.root = Node.of("ClinicalDocument", attributes(self._root, names), None, kids)
        roles = [role for target in self._header.all("recordTarget") for role in target.all("patientRole")]
        if not roles:
            raise Poison("ccda.no-patient", "The document has no recordTarget.", document.place(self._header))
        self._target = roles[0]
        document.local = patient.local_id(roles[0], document)
        document.patient = document.id_of("Patient", document.local)
        self._stamp(self._header)

    def _stamp(self, root: Node) -> None:
        """Take the time of the document: its version, and the zone of times that name none."""
        document = self._document
        node = root.one("effectiveTime")
        written = str(node.get("value") or "") if node is not None else ""
        sent = moment(written, document.zone) or ""
        if "T" in sent and written[-5:-4] in ("+", "-"):
            document.zone = sent[-6:]
        document.stamp = {"lastUpdated": sent if "T" in sent else document.feed.received}
        document.look_for_edges(document.stamp["lastUpdated"])

    def _entry(self, element: Element, section: Section) -> None:
        document = self._document
        section.entries += 1
        if section.narrative is None:
            document.look_for_edges(section.read_narrative(document.names).xhtml)
        document.where = f"section[{section.number}]/entry[{section.entries}]"
        document.narrative, document.section_code = section.narrative, section.code
        tree = self._moulding.read(element)
        document.root = root = tree.root
        document.look_for_edges(tree.text)
        first: list[Built] = []
        built: list[Built] = []
        for statement in (kid for kid in root.kids if kid.name != "templateId"):
            tops, every = build_entry(statement, document) if statement.name in CLINICAL else ([], [])
            if not every:
                tops = every = [unread(statement, document)]
            first += tops
            built += every
        good = self._settle(tree, built, element)
        section.references += [one.reference for one in first if one in good]
        element.clear(keep_tail=True)

    def _settle(self, tree: Tree, built: list[Built], element: Element) -> list[Built]:
        """Check the resources, count every leaf below the root, and keep what is good."""
        settled = settle_all(built, self._authors, self._document)
        self._leftovers.settle_entry(tree, settled, "section/entry")
        self._resources += settled.resources
        self._errors(settled.errors, element)
        return settled.good

    def _errors(self, errors: list[Poison], element: Element) -> None:
        document = self._document
        found = [*errors, *document.wrong]
        document.wrong.clear()
        for one in found[MOST_ERRORS:]:
            document.warnings.note(one.code)
        del found[MOST_ERRORS:]
        payload = etree.tostring(element) if found else b""
        document.aside += [SetAside(error, payload, STATEMENT) for error in found]

    def _close(self, section: Section) -> None:
        section.close(self._document.names)
        if self._open:
            self._open[-1].inner.append(section)
        else:
            self._sections.append(section)
        self._every.append(section)

    def finish(self) -> Iterator[Found]:
        """Yield the patient's resources, those who took part, and what was set aside."""
        if self._header is None:
            self._begin(self._root[:])
        root, target, document = self._header, self._target, self._document
        if root is None or target is None:
            return
        document.where, document.root, document.narrative, document.section_code = "header", root, None, ""
        document.edges = True
        settled = settle_all(self._of_header(root, target), None, document)
        if not settled.resources or settled.resources[0]["resourceType"] != "Patient":
            raise settled.errors[0]
        self._resources += settled.resources
        self._rest(root, settled)
        self._errors(settled.errors, self._root)
        document.warnings.account.add(self._account)
        own = [one for one in document.actors.resources() if one["resourceType"] == _OWN]
        shared = [one for one in document.actors.resources() if one["resourceType"] != _OWN]
        yield Piece(LocalPatientId(document.local), (*self._resources, *own), patient.identifiers(target))
        yield from (Shared(one) for one in shared)
        yield from document.aside

    def _of_header(self, root: Node, target: Node) -> Iterator[Built]:
        """Yield the resources of the header, the Patient first, the document's own last."""
        document = self._document
        key = header.document_key(root, document)
        yield Built(target, patient.patient(target, document))
        encounter = header.encounter(root, document)
        if encounter is not None:
            yield encounter
        yield from header.orders(root, document)
        team = header.care_team(root, document)
        if team is not None:
            yield team
        for section in self._every:
            note = section.as_note(document, key)
            if note is not None:
                section.references.append({"reference": f"DocumentReference/{note['id']}"})
                yield Built(section.node, note)
        composition = header.composition(root, document, encounter)
        attached = unstructured(self._body, root, composition, key, document) if self._body is not None else None
        if attached is not None and self._body is not None:
            yield Built(self._body, attached)
            composition["section"] = [{"entry": [{"reference": f"DocumentReference/{attached['id']}"}]}]
        sections = [one.as_resource(document) for one in self._sections]
        if sections:
            composition["section"] = sections
        whole = Built(root, composition)
        yield whole
        yield Built(root, provenance.of_document(root, document, whole.reference))
        confirm(self._authors.enter(root, whole.reference))
        yield from (Built(root, one) for one in self._authors.resources(root))

    def _rest(self, root: Node, settled: Settled) -> None:
        """Count the leaves of header, sections and narratives; the Composition keeps what no rule took."""
        composition = next((one for one in settled.resources if one["resourceType"] == "Composition"), None)
        owner = composition or settled.resources[0]
        names = self._document.names
        rest = [build(child, names) for child in self._root[len(root.kids) :]]
        whole = Node.of("ClinicalDocument", root.attrs, stray_text(self._root), [*root.kids, *rest])
        settled.owners.setdefault(id(whole), owner)
        self._leftovers.settle(whole, settled, "ClinicalDocument", owner)
        if self._body is not None:
            self._leftovers.settle(self._body, settled, "nonXMLBody", owner)
        for section in self._every:
            self._leftovers.settle(section.node, settled, "section", owner)
            if section.narrative is not None:
                if composition is not None:
                    self._account.enter_counts(section.narrative.mapped, "mapped", "Composition.section.text")
                else:
                    self._account.enter_counts(section.narrative.mapped, "dropped", "ccda.set-aside")
                self._account.enter_counts(section.narrative.layout, "dropped", "ccda.layout")
                self._account.enter_counts(section.narrative.unsafe, "dropped", "ccda.unsafe-link")
