"""What is known while one document is converted: whose it is, its zone, where its reading stands, and what was wrong in it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from trialbridge.contracts.errors import Place, Poison
from trialbridge.emr.account import Derived, made
from trialbridge.emr.ccda.narrative import Narrative
from trialbridge.emr.ccda.xmltree import Names, Node, paths_of
from trialbridge.emr.ids import resource_id
from trialbridge.emr.records import Feed, Resource, SetAside, Warnings

STATEMENT = "application/xml; one CDA entry"


class Participants(Protocol):
    """Who took part in a document, as the readers of its entries ask for them."""

    def resources(self) -> Iterator[Resource]:
        """Yield all who took part."""

    def of(self, role: Node, *, alone: bool = True) -> dict[str, str] | None:
        """Return a reference to who acts in an assigned role."""

    def organization(self, node: Node) -> dict[str, str] | None:
        """Return a reference to an organization."""

    def location(self, node: Node) -> dict[str, str] | None:
        """Return a reference to a place of care."""

    def related(self, role: Node, relation: dict[str, Any] | None, time: Node | None = None) -> dict[str, str] | None:
        """Return a reference to somebody who stands in a relation to the patient."""


@dataclass(slots=True)
class Document:
    """One document under conversion."""

    entry: str
    feed: Feed
    warnings: Warnings
    names: Names
    local: str = ""
    """The patient's number at the source."""
    patient: str = ""
    """The Patient's id."""
    zone: str = "+00:00"
    stamp: dict[str, str] = field(default_factory=dict)
    narrative: Narrative | None = None
    """Of the section that is read."""
    section_code: str = ""
    where: str = "header"
    """``header``, or section and entry by number."""
    root: Node | None = None
    """The header or entry that is read: paths of errors start there."""
    budget: int = 0
    """Characters of narrative that references may still repeat: many may lead to one long text."""
    paths: tuple[Node | None, dict[int, str]] = (None, {})
    """Of the nodes below ``root``, once one was asked for."""
    wrong: list[Poison] = field(default_factory=list)
    """What could not be read in the present header or entry."""
    aside: list[SetAside] = field(default_factory=list)
    moments: dict[str, str | None] = field(default_factory=dict)
    """Times that were read before, as FHIR writes them."""
    used: dict[tuple[str, str], dict[int, int]] = field(default_factory=dict)
    """Types and ids that are taken, with the statements that asked for each: by mark, their order."""
    edges: bool = False
    """Whether a time at the ends of the calendar (years 1 to 9999) was met: then every resource is searched for one."""
    actors: Participants = field(init=False)
    """Set by the converter."""

    def place(self, node: Node | None = None, name: str = "") -> Place:
        """Return where a node, or its attribute, is in the document."""
        path = self._path(node) if node is not None and self.root is not None else ""
        return Place(entry=self.entry, segment=self.where, field=f"{path}/@{name}" if name else path or None)

    def _path(self, node: Node) -> str:
        if self.root is not None and self.paths[0] is not self.root:
            self.paths = (self.root, paths_of(self.root))
        return self.paths[1].get(id(node), "")

    def report(self, code: str, message: str, node: Node, name: str = "") -> None:
        """Note that a value cannot be read: the rest of its entry goes on without it."""
        self.wrong.append(Poison(code, message, self.place(node, name)))

    def look_for_edges(self, text: str) -> None:
        """Note whether a text holds a time at the ends of the calendar, which may have no equivalent in UTC."""
        if "-01-01T" in text or "-12-31T" in text:
            self.edges = self.edges or "0001-01-01T" in text or "9999-12-31T" in text

    def id_of(self, kind: str, *parts: str) -> str:
        """Return the id of a resource of this source."""
        return resource_id(self.feed.source, kind, *parts)

    def subject(self) -> dict[str, str]:
        """Return the reference to the patient."""
        return {"reference": f"Patient/{self.patient}"}

    def referred(self, node: Node | None) -> Derived | None:
        """Return the narrative text that a node's ``reference`` leads to, None where there is none."""
        reference = node.one("reference") if node is not None else None
        target = reference.get("value") if reference is not None else None
        if target is None or self.narrative is None:
            return None
        found = self.narrative.text_of(target)
        if found is None:
            self.warnings.note("ccda.reference-without-target")
            return None
        if len(found) > self.budget:
            self.warnings.note("ccda.references-over-limit")
            return None
        self.budget -= len(found)
        return made(found, target)
