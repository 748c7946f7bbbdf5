"""One resource that was read and passed the checks, on its way to whoever it is about."""

from trialbridge.contracts.ids import LocalPatientId
from trialbridge.emr.account import Row
from trialbridge.emr.fhir.items import Item
from trialbridge.emr.fhir.links import Numbers, resolve, unresolved
from trialbridge.emr.fhir.owners import own_patient
from trialbridge.emr.fhir.shapes import Holders
from trialbridge.emr.held import Held
from trialbridge.emr.records import Resource


class Good:
    """A resource that passed the checks."""

    __slots__ = ("holders", "item", "kind", "name", "resource", "rows")

    def __init__(self, resource: Resource, item: Item, rows: tuple[Row, ...] | None) -> None:
        """Keep it with where it came from, and what became of its leaves where it was changed."""
        self.resource = resource
        self.item = item
        self.rows = rows
        self.kind: str = resource["resourceType"]
        self.name = f"{self.kind}/{resource['id']}"
        self.holders: Holders = []
        """Its References."""

    @property
    def searches(self) -> bool:
        """Whether one of its references is a search."""
        return any("?" in holder["reference"] for holder, _ in self.holders)

    @property
    def has_link(self) -> bool:
        """Whether it is a Patient that names other ones."""
        return self.kind == "Patient" and "link" in self.resource

    def patient(self) -> LocalPatientId | None:
        """Return the patient that it names itself, None where it names none."""
        return own_patient(self.resource)

    def resolve(self, numbers: Numbers) -> None:
        """Make references by full URL or by search relative ones (`links.resolve`)."""
        if self.item.scope or numbers:
            resolve(self.holders, self.item.scope, numbers)

    def unresolved(self, known: set[str]) -> tuple[str, ...]:
        """Return the references that name nothing of ``known`` (`links.unresolved`): the last that is done with references."""
        away = unresolved(self.resource, self.holders, known)
        self.holders = []
        return away

    def held(self) -> Held:
        """Return it as a conversion holds it where texts are wanted."""
        return Held.of(self.resource, self.rows, is_fhir=True, packed=True)

    def opened(self) -> "Good":
        """Return itself: it was read."""
        return self
