"""Some resources of one entry on their way through the checks: edition, references, deletions, and whose each one is."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from trialbridge.contracts.errors import Place, Poison
from trialbridge.contracts.ids import LocalPatientId, digest
from trialbridge.emr import jsontext
from trialbridge.emr.account import Row
from trialbridge.emr.fhir.checks import body_of, check, fits, resource_types
from trialbridge.emr.fhir.deletions import without_deleted
from trialbridge.emr.fhir.documents import Told
from trialbridge.emr.fhir.editions import Votes
from trialbridge.emr.fhir.elements import Edition
from trialbridge.emr.fhir.forms import FORMS
from trialbridge.emr.fhir.good import Good
from trialbridge.emr.fhir.items import Deletion, Item
from trialbridge.emr.fhir.links import numbers_of
from trialbridge.emr.fhir.models import check_by_model, is_sampled
from trialbridge.emr.fhir.owners import merges_of, must_have_patient, patient_of
from trialbridge.emr.fhir.passing import Passing, Swaps
from trialbridge.emr.fhir.shapes import SHAPES, leaves_of, rows_of
from trialbridge.emr.fhir.upgrade import upgraded
from trialbridge.emr.ids import resource_id
from trialbridge.emr.records import Feed, Found, Piece, Resource, SetAside, Shared, Warnings

RESOURCE_TYPE: Final = "application/fhir+json; one resource"
_URN: Final = re.compile(r"urn:uuid:([A-Za-z0-9\-.]{1,64})")


class Batch:
    """What is read together."""

    def __init__(self, feed: Feed, warnings: Warnings, label: Edition | None) -> None:
        """Begin at nothing; ``label`` is the edition that the entry says it is of."""
        self._feed = feed
        self._warnings = warnings
        self._votes = Votes(label)
        self._good: list[Good | Passing] = []
        self._owners: dict[str, LocalPatientId] = {}
        self._names: dict[str, str] = {}
        self.is_suspicious = False
        """Whether the entry may hold control characters."""
        self.is_edgy = False
        """Whether it may hold times beyond the calendar."""

    @property
    def recognises(self) -> bool:
        """Whether resources may pass as the text that they came in, where that is recognised."""
        return self._votes.label is None and not (self._feed.sample or self.is_edgy)

    def take(self, items: Iterable[Told]) -> Iterator[SetAside]:  # noqa: C901 - every resource comes here
        """Check resources; yield those that are bad."""
        self._good = []
        questioned: list[Item] = []
        deletions: list[Deletion] = []
        passed = self._warnings.account.same
        good, count = self._good, 0
        for item in items:
            if isinstance(item, Passing):
                # It counts as its form's leaves.
                passed[item.form] += 1
                count += 1
                if item.url:
                    item.scope[item.url] = item.name
                good.append(item)
                continue
            if isinstance(item, Deletion):
                deletions.append(item)
                continue
            try:
                if not self._take(item):
                    questioned.append(item)
            except Poison as error:
                yield self._aside(item, error)
        if count:
            self._warnings.editions["R4"] += count
        for item in questioned:
            try:
                self._accept(self._made_good(item))
            except Poison as error:
                yield self._aside(item, error)
        self._link()
        if deletions:
            left, refused = without_deleted([one.opened() for one in self._good], deletions, self._warnings)
            self._good = [*left]
            yield from refused

    def _take(self, item: Item) -> bool:
        """Accept a resource that plainly is R4; return whether it is, raise `Poison` for what is none of any edition."""
        resource = self._identified(item)
        if self._votes.label is not None or self.is_edgy or not fits(resource):
            item.value = resource
            self._votes.hear(resource)
            return False
        self._sample(resource, item.place)
        self._accept(Good(resource, item, None))
        self._warnings.editions["R4"] += 1
        if item.text and not item.added and self.recognises:
            FORMS.learn(item.text, resource)
        return True

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
        if any(type(good) is Good and good.searches for good in self._good):
            opened = [good.opened() for good in self._good]
            for good in opened:
                numbers_of(good.resource, numbers)
            self._good = [*opened]
        swaps: Swaps = {}
        for each in self._good:
            if isinstance(each, Good):
                each.resolve(numbers)
            elif each.scope and not each.scope.keys().isdisjoint(each.references):
                each.resolve(swaps)

    def pieces(self, ownerless: list[Good]) -> Iterator[Found]:
        """Yield the good resources by patient; those that name none themselves are added to ``ownerless``."""
        by_patient: dict[LocalPatientId, list[Good | Passing]] = {}
        unowned: list[Good | Passing] = []
        known: set[str] = set()
        for good in self._good:
            own = good.patient()
            if own is None:
                unowned.append(good)
                if must_have_patient(good.kind):
                    continue  # it may be set aside yet
            else:
                self._owners[good.name] = own
                by_patient.setdefault(own, []).append(good)
            known.add(good.name)
        for good in self._good:
            if type(good) is Passing and known.issuperset(good.references):
                continue
            away = good.unresolved(known)
            if away:
                self._leave_open(good.name, away)
        self._good = []
        ownerless += [good.opened() for good in unowned]
        for local, found in by_patient.items():
            yield self._piece(local, found)

    def _piece(self, local: LocalPatientId, found: Sequence[Good | Passing]) -> Piece:
        merges = tuple(
            [merge for one in found if one.kind == "Patient" and one.has_link for merge in merges_of(one.resource)]
        )
        if self._warnings.wants_texts:
            held = tuple([(one.name, one.held()) for one in found])
            return Piece(local, (), merges=merges, is_fhir=True, held=held)
        self._trace(one for one in found if isinstance(one, Good))
        return Piece(local, tuple([one.resource for one in found]), merges=merges, is_fhir=True)

    def _leave_open(self, name: str, away: tuple[str, ...]) -> None:
        """Remember what a resource refers to outside of the batch: another entry may hold it."""
        names = self._names
        kept = tuple([names.setdefault(one, one) for one in away])
        self._warnings.open[name] = (*self._warnings.open.get(name, ()), *kept)

    def _trace(self, read: Iterable[Good]) -> None:
        self._warnings.traced |= {id(one.resource): one.rows for one in read if one.rows is not None}

    def through_others(self, ownerless: list[Good]) -> Iterator[Found]:
        """Yield what belongs to the patient of a resource that it refers to, or to nobody in particular."""
        self._trace(ownerless)
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
