"""VCF 4.1 to 4.3, annotated by VEP or SnpEff, to variant resources: record by record, a bad record is set aside alone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from trialbridge.contracts.errors import Place, Poison
from trialbridge.emr.account import Account, Leaf, drop
from trialbridge.emr.genomics.alleles import Sample
from trialbridge.emr.genomics.delivery import Delivery, Subject
from trialbridge.emr.genomics.reading_record import Record, findings, read_record
from trialbridge.emr.genomics.vcf_text import FIXED, Header, columns, text_lines
from trialbridge.emr.records import Entry, Feed, Found, SetAside, Warnings

MEDIA_TYPE: Final = "text/vcf"
MEDIA_TYPES: Final = (MEDIA_TYPE, "text/x-vcf", "application/vcf", "application/x-vcf", "application/vcf+gzip")
RECORD: Final = "text/vcf; one record"
MOST_ERRORS: Final = 1000
"""Bad records of one file that are set aside; beyond, the file is no VCF and the rest of it is not read."""


def convert(entry: Entry, feed: Feed, warnings: Warnings) -> Iterator[Found]:
    """Yield what a file says of the patients whose samples it has."""
    place = Place(entry=entry.name)
    header = Header()
    lines = text_lines(entry.body, place)
    for number, line in lines:
        if line.startswith("##"):
            header.take(line)
            continue
        if not header.version.upper().startswith("VCFV4"):
            raise Poison("vcf.not-a-vcf", "The file does not begin with ##fileformat=VCFv4.", place)
        if not line.startswith("#"):
            raise Poison("vcf.no-columns", "There is no line #CHROM before the records.", _line(place, number))
        header.samples = columns(line, _line(place, number))
        break
    if not header.samples:
        message = "The file has no sample columns, so it is not known whose variants these are."
        raise Poison("vcf.no-sample", message, place)
    yield from Reading(entry, feed, warnings, header).records(lines)


def _line(place: Place, number: int, field_name: str | None = None) -> Place:
    return msgspec.structs.replace(place, segment=f"line[{number}]", field=field_name)


@dataclass(slots=True)
class _Column:
    """A sample's column."""

    number: int
    subject: Subject | None
    """None where it is passed over."""
    why: str = ""


@dataclass(slots=True)
class Reading:
    """One file while it is read."""

    entry: Entry
    feed: Feed
    warnings: Warnings
    header: Header
    account: Account = field(default_factory=Account)

    def records(self, lines: Iterator[tuple[int, str]]) -> Iterator[Found]:
        """Yield the results of all samples, and what was set aside."""
        place = Place(entry=self.entry.name)
        delivery = Delivery(self.entry, self.feed, self.warnings, self.header.text())
        delivery.annotated = bool(self.header.csq or self.header.ann)
        if not delivery.annotated:
            self.warnings.note("vcf.not-annotated")
        found, aside = self._columns(delivery)
        yield from aside
        errors = 0
        for number, line in lines:
            try:
                self._record(line, _line(place, number), found, delivery)
            except Poison as error:
                delivery.spoiled = True
                errors += 1
                if errors > MOST_ERRORS:
                    message = f"More than {MOST_ERRORS} records cannot be read; the rest of the file was not looked at."
                    yield SetAside(Poison("vcf.too-many-faults", message, _line(place, number)), b"", RECORD)
                    break
                yield SetAside(error, line.encode(), RECORD)
        yield from delivery.finish()
        self.warnings.account.add(self.account)

    def _columns(self, delivery: Delivery) -> tuple[list[_Column], list[SetAside]]:
        found: list[_Column] = []
        aside: list[SetAside] = []
        for number, name in enumerate(self.header.samples):
            if delivery.is_normal(name) or name in self.header.normals:
                found.append(_Column(number, None, "vcf.normal-sample"))
                continue
            # Samples are often named after people: the column's number says which one is meant.
            place = Place(entry=self.entry.name, segment="#CHROM", field=f"sample[{number + 1}]")
            try:
                found.append(_Column(number, delivery.subject(name, self.header.patient_of, place)))
            except Poison as error:
                found.append(_Column(number, None, error.code))
                aside.append(SetAside(error, name.encode(), RECORD))
        return found, aside

    def _record(self, line: str, place: Place, found: Sequence[_Column], delivery: Delivery) -> None:
        record: Record | None = None
        samples: list[dict[str, Leaf]] = []
        try:
            record, samples = read_record(line, len(self.header.samples), self.header, place)
            reasons = self._samples(record, samples, place, found, delivery)
            self._settle(record, samples, reasons, found)
        except Poison as error:
            if record is None:
                self.account.enter_counts({"vcf.record": 1}, "dropped", error.code)
            else:
                for path, leaf in (*record.leaves(), *_leaves(samples)):
                    drop(leaf, error.code)
                    self.account.enter(path, leaf)
            raise

    def _samples(
        self,
        record: Record,
        samples: Sequence[dict[str, Leaf]],
        place: Place,
        found: Sequence[_Column],
        delivery: Delivery,
    ) -> list[str]:
        """Take what each sample has of the record; return why nothing of it, for each sample."""
        reasons = []
        for column in found:
            if column.subject is None:
                reasons.append(column.why)
                continue
            sample = Sample(samples[column.number])
            reason = self._filtered(record, delivery)
            if not reason:
                reason = "vcf.reference-call"
                for call, finding in findings(record, sample, self.header, place):
                    if call == "present" and finding is not None:
                        delivery.add(column.subject, finding, place)
                        reason = "vcf.other-allele"
                    elif call == "unknown":
                        column.subject.uncertain |= record.genes()
                        reason = reason if reason == "vcf.other-allele" else "vcf.not-called"
            reasons.append(reason)
        return reasons

    def _filtered(self, record: Record, delivery: Delivery) -> str:
        allowed = {one.upper() for one in delivery.settings.filters}
        given = [one for one in (record.filter or ".").split(";") if one]
        return "" if all(one.upper() in allowed for one in given) else "vcf.filtered"

    def _settle(
        self, record: Record, samples: Sequence[dict[str, Leaf]], reasons: Sequence[str], found: Sequence[_Column]
    ) -> None:
        """Enter the leaves: what no finding took is dropped for the reason of its sample, or of the record."""
        whole = next(
            (
                one
                for one in ("vcf.other-allele", "vcf.not-called", "vcf.reference-call", "vcf.filtered")
                if one in reasons
            ),
            None,
        )
        for column in found:
            for key, leaf in samples[column.number].items():
                drop(leaf, reasons[column.number])
                self.account.enter(f"vcf.sample.{key}", leaf)
        for path, leaf in record.leaves():
            annotation = path.count(".") > 2  # noqa: PLR2004 - vcf.INFO.CSQ.SYMBOL
            drop(leaf, "vcf.other-annotation" if annotation and whole == "vcf.other-allele" else whole or reasons[0])
            self.account.enter(path, leaf)


def _leaves(samples: Sequence[dict[str, Leaf]]) -> Iterator[tuple[str, Leaf]]:
    for sample in samples:
        yield from ((f"vcf.sample.{key}", leaf) for key, leaf in sample.items())


WIDTH: Final = len(FIXED)
