"""Some resources of one entry on their way through the checks: edition, references, deletions, and whose each one is."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from trialbridge.contracts.errors import Place, Poison
from trialbridge.contracts.ids import LocalPatientId, digest
from trialbridge.emr import jsontext
from trialbridge.emr.account import Row
from trialbridge.emr.fhir.checks import body_of, check, fits, resource_types
from trialbridge.emr.fhir.deletions import without_deleted
from trialbridge.emr.fhir.documents import Deletion, Item
from trialbridge.emr.fhir.editions import Votes
from trialbridge.emr.fhir.elements import Edition
from trialbridge.emr.fhir.links import numbers_of, resolve, unresolved
from trialbridge.emr.fhir.models import check_by_model, is_sampled
from trialbridge.emr.fhir.owners import merges_of, must_have_patient, own_patient, patient_of
from trialbridge.emr.fhir.shapes import SHAPES, Holders, leaves_of, rows_of
from trialbridge.emr.fhir.upgrade import upgraded
from trialbridge.emr.ids import resource_id
from trialbridge.emr.records import Feed, Found, Piece, Resource, SetAside, Shared, Warnings

RESOURCE_TYPE: Final = "application/fhir+json; one resource"
_URN: Final = re.compile(r"urn:uuid:([A-Za-z0-9\-.]{1,64})")


class Good:
    """A resource that passed the checks."""

    __slots__ = ("holders", "item", "resource", "rows")

    def __init__(self, resource: Resource, item: Item, rows: tuple[Row, ...] | None) -> None:
        """Keep it with where it came from, and what became of its leaves where it was changed."""
        self.resource = resource
        self.item = item
        self.rows = rows
        self.holders: Holders = []

    @property
    def name(self) -> str:
        """``Type/id``."""
        return f"{self.resource['resourceType']}/{self.resource['id']}"


class Batch:
    """What is read together."""

    def __init__(self, feed: Feed, warnings: Warnings, label: Edition | None) -> None:
        """Begin at nothing; ``label`` is the edition that the entry says it is of."""
        self._feed = feed
        self._warnings = warnings
        self._votes = Votes(label)
        self._good: list[Good] = []
        self._owners: dict[str, LocalPatientId] = {}
        self._names: dict[str, str] = {}
        self.is_suspicious = False
        """Whether the entry may hold control characters."""
        self.is_edgy = False
        """Whether it may hold times beyond the calendar."""

    def take(self, items: Iterable[Item | Deletion]) -> Iterator[SetAside]:
        """Check resources; yield those that are bad."""
        self._good = []
        questioned: list[Item] = []
        deletions: list[Deletion] = []
        is_plain, sample = self._votes.label is None and not self.is_edgy, self._feed.sample
        for item in items:
            if isinstance(item, Deletion):
                deletions.append(item)
                continue
            try:
                resource = self._identified(item)
                if is_plain and fits(resource):
                    if sample and is_sampled(resource, sample):
                        check_by_model(resource, item.place)
                    self._accept(Good(resource, item, None))
                    self._warnings.editions["R4"] += 1
                else:
                    item.value = resource
                    self._votes.hear(resource)
                    questioned.append(item)
            except Poison as error:
                yield self._aside(item, error)
        for item in questioned:
            try:
                self._accept(self._made_good(item))
            except Poison as error:
                yield self._aside(item, error)
        self._link()
        self._good, refused = without_deleted(self._good, deletions, self._warnings)
        yield from refused

    def _aside(self, item: Item, error: Poison) -> SetAside:
        found: Counter[str] = Counter()
        kind = item.value.get("resourceType") if isinstance(item.value, dict) else None
        name = kind if isinstance(kind, str) and kind in resource_types() else "resource"
        leaves_of(item.value, name, found)
        if isinstance(item.value, dict):
            found.subtract(f"{name}.{one}" for one in item.added if one.partition(".")[0] in item.value)
        self._warnings.account.enter_counts(found, "dropped", error.code)
        return SetAside(error, body_of(item.value), RESOURCE_TYPE)

    def _identified(self, item: Item) -> Resource:
        """Return the resource with an id; one without gets one derived from its identifier, its full URL or its content."""
        if item.error is not None:
            raise item.error
        resource = item.value
        if type(resource) is not dict or type(resource.get("resourceType")) is not str:
            message = "This is JSON, but not a FHIR resource: resourceType is missing."
            raise Poison("fhir.not-fhir", message, item.place)
        if resource["resourceType"] not in resource_types() and not self._votes.may_be(resource["resourceType"]):
            raise Poison("fhir.unknown-type", "This is not a resource type of FHIR.", item.place)
        if self.is_suspicious and jsontext.holds_control(resource):
            message = "A string holds a control character, which FHIR does not allow."
            raise Poison("fhir.control-character", message, item.place)
        if "id" in resource:
            return resource
        item.added += ("id",)
        return {**resource, "id": _derived(resource, item.url, self._feed)}

    def _made_good(self, item: Item) -> Good:
        """Return what an older or newer edition's resource becomes; raise `Poison` where it is valid in none."""
        resource = item.value
        verdict = self._votes.verdict(resource)
        if verdict.edition in ("R4", "R4B"):
            check(resource, item.place)
            self._sample(resource, item.place)
            self._warnings.editions["R4"] += 1
            return Good(resource, item, None)
        try:
            made, rows = upgraded(resource, verdict.edition, item.place)
            check(made, item.place)
        except Poison:
            if not verdict.is_sure:
                check(resource, item.place)
            raise
        self._sample(made, item.place)
        self._warnings.editions[verdict.edition] += 1
        return Good(made, item, rows)

    def _sample(self, resource: Resource, place: Place) -> None:
        if is_sampled(resource, self._feed.sample):
            check_by_model(resource, place)

    def _accept(self, good: Good) -> None:
        item = good.item
        self._walk(good)
        if item.url:
            item.scope[item.url] = good.name
        if item.added:
            if good.rows is None:
                SHAPES.walk(good.resource, self._warnings.account.same, -1)
            good.rows = _without(good.rows if good.rows is not None else rows_of(good.resource), item)
        self._good.append(good)

    def _walk(self, good: Good) -> None:
        """Count a resource that stays as it is, and find the references of any."""
        try:
            good.holders = SHAPES.walk(
                good.resource, self._warnings.account.same if good.rows is None else defaultdict(int)
            )
        except RecursionError:
            message = "The resource is nested more deeply than any that is read."
            raise Poison("fhir.too-deep", message, good.item.place) from None

    def _link(self) -> None:
        """Make references into the batch relative."""
        numbers: dict[tuple[str, str, str], str] = {}
        if any("?" in holder["reference"] for good in self._good for holder, _ in good.holders):
            for good in self._good:
                numbers_of(good.resource, numbers)
        for good in self._good:
            if good.item.scope or numbers:
                resolve(good.holders, good.item.scope, numbers)

    def pieces(self, ownerless: list[Good]) -> Iterator[Found]:
        """Yield the good resources by patient; those that name none themselves are added to ``ownerless``."""
        by_patient: dict[LocalPatientId, list[Resource]] = {}
        known: set[str] = set()
        for good in self._good:
            own, name = own_patient(good.resource), good.name
            if own is None:
                ownerless.append(good)
                if must_have_patient(good.resource["resourceType"]):
                    continue  # it may be set aside yet
            else:
                self._owners[name] = own
                by_patient.setdefault(own, []).append(good.resource)
            known.add(name)
        for good in self._good:
            self._leave_open(good, known)
        self._good = []
        for local, resources in by_patient.items():
            merges = tuple(
                merge
                for one in resources
                if "link" in one and one["resourceType"] == "Patient"
                for merge in merges_of(one)
            )
            yield Piece(local, tuple(resources), merges=merges, is_fhir=True)

    def _leave_open(self, good: Good, known: set[str]) -> None:
        """Remember what a resource refers to outside of the batch: another entry may hold it."""
        away = unresolved(good.resource, good.holders, known)
        good.holders = []
        if away:
            names = self._names
            kept = tuple([names.setdefault(one, one) for one in away])
            self._warnings.open[good.name] = (*self._warnings.open.get(good.name, ()), *kept)
        if good.rows is not None:
            self._warnings.traced[id(good.resource)] = good.rows

    def through_others(self, ownerless: list[Good]) -> Iterator[Found]:
        """Yield what belongs to the patient of a resource that it refers to, or to nobody in particular."""
        for good in ownerless:
            try:
                local = patient_of(good.resource, self._owners, good.item.place)
            except Poison as error:
                self._warnings.traced.pop(id(good.resource), None)
                if good.rows is None:
                    SHAPES.walk(good.resource, self._warnings.account.same, -1)
                yield self._aside(good.item, error)
                continue
            if local is None:
                yield Shared(good.resource, is_fhir=True)
            else:
                yield Piece(local, (good.resource,), is_fhir=True)
        ownerless.clear()


def _without(rows: tuple[Row, ...], item: Item) -> tuple[Row, ...]:
    """Return the rows without those of what the source does not say of the resource itself."""
    added = {f"{item.value['resourceType']}.{one}" for one in item.added}
    return tuple(row for row in rows if row[0] not in added)


def _derived(resource: Mapping[str, Any], url: str, feed: Feed) -> str:
    kind = resource["resourceType"]
    numbers = resource.get("identifier")
    if kind == "Patient" and isinstance(numbers, list) and numbers and isinstance(numbers[0], dict):
        first = numbers[0]
        return resource_id(feed.source, kind, str(first.get("system", "")), str(first.get("value", "")))
    found = _URN.fullmatch(url)
    return found[1] if found else resource_id(feed.source, kind, digest(jsontext.canonical(resource)))
