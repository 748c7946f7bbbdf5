"""From findings to what a file says of each patient: whose each sample is, its results, its report, and what its panel looked at."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Final

from trialbridge.contracts.errors import Place, Poison
from trialbridge.contracts.events import Identifier
from trialbridge.contracts.ids import LocalPatientId
from trialbridge.criteria.terminology import genes
from trialbridge.emr.account import confirm, keep, settle
from trialbridge.emr.csv.mapping import Genomics, Panel, Sample, VariantFiles
from trialbridge.emr.fhir.checks import check
from trialbridge.emr.genomics import resources as r
from trialbridge.emr.genomics.finding import Finding
from trialbridge.emr.ids import resource_id
from trialbridge.emr.records import Entry, Feed, Piece, Resource, Warnings

MOST_VARIANTS: Final = 50_000
"""Of one sample in one file: a panel finds some hundreds, an exome some ten thousand."""
Declared = Callable[[str], str | None]
"""The patient that a file itself names for a sample."""


@dataclass(slots=True)
class Subject:
    """A sample of a patient, and what was found in it."""

    name: str
    mrn: str
    basis: Resource
    panel: tuple[str, Panel] | None = None
    source: str | None = None
    results: dict[str, Resource] = field(default_factory=dict)
    """By id."""
    uncertain: set[str] = field(default_factory=set)
    """Genes in which the test could not tell somewhere."""


class Delivery:
    """Collects what one file says."""

    def __init__(self, entry: Entry, feed: Feed, warnings: Warnings, header: str) -> None:
        """Begin with nothing found; ``header`` is what the kinds of files in the mapping are known by."""
        self.settings = feed.mapping.genomics if feed.mapping is not None else Genomics()
        self._mrn_system = feed.mapping.csv.mrn_system if feed.mapping is not None else None
        self._feed = feed
        self._warnings = warnings
        name = entry.name.replace("\\", "/").rpartition("/")[2]
        fitting = (one for one in self.settings.files if fnmatchcase(name, one.name) and one.header in header)
        self._files = next(fitting, VariantFiles())
        self._subjects: dict[str, Subject] = {}
        self.annotated = True
        """Whether the file names genes: without them nothing can be said of what was not found."""
        self.spoiled = False
        """Whether some of the file could not be read: then what is not in it may have been found."""

    def is_normal(self, sample: str) -> bool:
        """Return whether a sample is healthy tissue to compare with."""
        return sample in self.settings.normal

    def subject(self, sample: str, declared: Declared, place: Place) -> Subject:
        """Return whose a sample is; raise `Poison` ``genomics.unknown-sample`` where neither mapping nor file says."""
        known = self._subjects.get(sample)
        if known is not None:
            return known
        given = self.settings.samples.get(sample)
        entry = (
            Sample(patient=given) if isinstance(given, str) and given else given if isinstance(given, Sample) else None
        )
        mrn = entry.patient if entry else declared(sample) or (sample if self.settings.samples_are_patients else None)
        if not mrn:
            message = "It is not known whose sample this is: list it under genomics.samples of the mapping file."
            raise Poison("genomics.unknown-sample", message, place)
        panel = (entry.panel if entry else None) or self._files.panel
        patient = resource_id(self._feed.source, "Patient", mrn)
        basis: Resource = {
            "meta": {"lastUpdated": self._feed.received, **({"tag": [dict(r.WHOLE)]} if self._files.replaces else {})},
            "subject": {"reference": f"Patient/{patient}"},
            "specimen": {"type": "Specimen", "identifier": {"value": sample}},
            **({"effectiveDateTime": entry.collected} if entry and entry.collected else {}),
        }
        found = Subject(sample, mrn, basis, (panel, self.settings.panels[panel]) if panel else None)
        found.source = (entry.source if entry else None) or self._files.source
        if found.source is None and found.panel is not None and found.panel[1].source != "unknown":
            found.source = found.panel[1].source
        self._subjects[sample] = found
        return found

    def add(self, subject: Subject, finding: Finding, place: Place) -> None:
        """Take a finding; raise `Poison` where it gives no valid resource, or where there are too many."""
        if len(subject.results) >= MOST_VARIANTS:
            message = f"The sample has more than {MOST_VARIANTS} variants; give only those of the test's genes."
            raise Poison("genomics.too-many-variants", message, place)
        if finding.source is None:
            finding.source = subject.source
        identity = resource_id(self._feed.source, "Observation", subject.mrn, subject.name, *finding.key)
        resource, found = settle(r.variant(finding, identity, subject.basis))
        taken = {id(leaf) for leaf, _ in found}
        rest = [(path, leaf) for path, leaf in finding.kept if id(leaf) not in taken]
        if rest:
            resource["extension"] = [r.kept(path, leaf) for path, leaf in rest]
        check(resource, place)
        confirm(found)
        for _, leaf in rest:
            keep(leaf, "Observation.extension")
        if identity in subject.results:
            self._warnings.note("genomics.repeated-variant")
        subject.results.setdefault(identity, resource)

    def finish(self) -> Iterator[Piece]:
        """Yield what was found in each sample."""
        for subject in self._subjects.values():
            results = list(subject.results.values())
            results += self._regions(subject)
            kind = (self._files.name, self._files.header) if self._files.replaces else ()
            identity = resource_id(self._feed.source, "DiagnosticReport", subject.mrn, subject.name, *kind)
            whole = [r.report(identity, subject.basis, results), *results]
            for one in whole:
                check(one, Place())
            known = Identifier(self._mrn_system or "", subject.mrn, "MR")
            yield Piece(LocalPatientId(subject.mrn), (*self._patient(subject), *whole), (known,))

    def _regions(self, subject: Subject) -> Iterator[Resource]:
        """Yield what the panel looked at, where the file is whole enough to say that the rest was not found."""
        if subject.panel is None:
            self._warnings.note("genomics.no-panel")
            return
        if self.spoiled or not self.annotated:
            self._warnings.note("genomics.coverage-unsure")
            return
        name, panel = subject.panel
        unsure = {genes.canonical(one) for one in subject.uncertain}
        looked = [one for one in panel.genes if genes.canonical(one) not in unsure]
        if looked:
            identity = resource_id(self._feed.source, "Observation", subject.mrn, subject.name, "region", name)
            resource, _ = settle(r.region(panel, identity, subject.basis, looked))
            yield resource

    def _patient(self, subject: Subject) -> Iterator[Resource]:
        """Yield the Patient where nothing else will: any other of the same number says more."""
        if self._feed.alone:
            kind = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR"}]}
            system = {"system": self._mrn_system} if self._mrn_system else {}
            numbers = [{"type": kind, **system, "value": subject.mrn}]
            identity = resource_id(self._feed.source, "Patient", subject.mrn)
            yield {"resourceType": "Patient", "id": identity, "identifier": numbers}
