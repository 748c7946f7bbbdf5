"""Goes through the segments of one patient's part of a message, in order, and builds resources of them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from trialbridge.contracts.errors import Poison
from trialbridge.emr.hl7v2.frames import Frame
from trialbridge.emr.hl7v2.message import Segment
from trialbridge.emr.hl7v2.reading import Reading
from trialbridge.emr.hl7v2.rules import apply
from trialbridge.emr.hl7v2.state import Reference, reference_to
from trialbridge.emr.records import Resource

Json = dict[str, Any]
ORDERED: Final = frozenset({"OBR", "RXO", "RXE", "RXD", "RXA", "RXG", "ODS", "ODT", "RQD", "TXA"})
"""Segments that say what an ORC orders."""
_NOTED: Final = frozenset(
    {"Observation", "ServiceRequest", "MedicationRequest", "MedicationDispense", "MedicationAdministration", "Specimen", "Condition",
     "AllergyIntolerance", "Procedure", "Immunization", "NutritionOrder", "ChargeItem", "Device", "CareTeam"}
)  # fmt: skip
"""Resource types with ``note``."""
_NOTE: Final = "http://hl7.org/fhir/5.0/StructureDefinition/extension-{}.note"


class Walk:
    """What the segments that come share with those before."""

    def __init__(
        self, reading: Reading, segments: Sequence[Segment], kind: str, *, whole: bool, identity: str = "-"
    ) -> None:
        """Begin in front of the first segment; ``whole`` where the PID makes a Patient, ``identity`` as in `v2_events.tsv`."""
        self.reading = reading
        self.segments = segments
        self.kind = kind
        self.whole = whole
        self.identity = identity
        self.at = 0
        self.header: Resource | None = None
        self.patient: Resource | None = None
        self.encounter: Resource | None = None
        self.account: Resource | None = None
        self.coverage: Resource | None = None
        self.request: Resource | None = None
        self.report: Resource | None = None
        self.specimen: Resource | None = None
        self.observation: Resource | None = None
        self.medication: Resource | None = None
        self.given: Resource | None = None
        self.appointment: Resource | None = None
        self.document: Resource | None = None
        self.order: Segment | None = None
        self.test: Segment | None = None
        self.frame: Frame | None = None
        """What results that were met before have in common."""
        self.anchor: Resource | None = None
        """What comments and participations that follow belong to."""

    def run(self, steps: Mapping[str, Callable[["Walk", Segment], None]]) -> None:
        """Read every segment; what is wrong with one does not stop the next."""
        reading = self.reading
        for at, segment in enumerate(self.segments):
            self.at = at
            reading.segment = segment
            reading.field = None
            step = steps.get(segment.name)
            if step is None:
                if segment.name[0] != "Z":
                    reading.warnings.leave(f"v2.{segment.name}")
                continue
            built = len(reading.built)
            try:
                step(self, segment)
            except Poison as error:
                if segment.name in ("MSH", "PID"):
                    raise
                # The resource goes with its segment; what others built of it stays.
                reading.lost.update(one.reference for one in reading.built[built:])
                del reading.built[built:]
                reading.refused.add(id(segment))
                reading.errors.append((error, segment))
        for one in reading.built:
            if one.resource["resourceType"] == "ServiceRequest":
                _one_occurrence(one.resource)
        if reading.errors:
            reading.errors.sort(key=lambda one: self.segments.index(one[1]) if one[1] in self.segments else -1)

    def following(self, names: frozenset[str], stop: str) -> str:
        """Return the name of the next segment that is one of ``names``, before the next ``stop``."""
        for segment in self.segments[self.at + 1 :]:
            if segment.name == stop:
                return ""
            if segment.name in names:
                return segment.name
        return ""

    def make(self, kind: str, segment: Segment, *key: str, subject: str = "subject") -> Resource:
        """Return a new resource about the patient."""
        reading = self.reading
        found = reading.resource(kind, reading.own(kind, *key), segment)
        if subject:
            found[subject] = dict(reading.patient)
        return found

    def fill(self, segment: Segment, kind: str, resource: Resource | None = None, rules: str = "") -> Resource:
        """Apply the rules of a segment for a resource."""
        chosen: Resource = resource if resource is not None else {}
        apply(f"{segment.name}/{rules or kind}", segment, chosen, self.reading)
        return chosen

    def visit(self) -> Json:
        """Return ``encounter`` where the message has a visit."""
        return {"encounter": reference_to(self.encounter)} if self.encounter is not None else {}

    def note(self, segment: Segment) -> None:
        """Put a comment to what it stands behind."""
        if segment.field(3):
            self.annotate(self.fill(segment, "Annotation"))

    def annotate(self, note: Json) -> None:
        """Put an annotation to the anchor, as its note or as the extension that stands for one."""
        target = self.anchor or self.header
        if target is None or "text" not in note:
            return
        if target["resourceType"] in _NOTED:
            target.setdefault("note", []).append(note)
            return
        url = _NOTE.format(target["resourceType"])
        target.setdefault("extension", []).append({"url": url, "valueAnnotation": note})

    def who(self) -> Reference:
        """Return the reference to the patient."""
        return dict(self.reading.patient)


def _one_occurrence(request: Resource) -> None:
    """Leave one time in an order; FHIR has room for no second one, which goes into an extension."""
    for name in [key for key in request if key.startswith("occurrence")][1:]:
        value = request.pop(name)
        extension = {"url": "urn:trialbridge:fhir:occurrence", f"value{name.removeprefix('occurrence')}": value}
        request.setdefault("extension", []).append(extension)
