"""How a practice recognises its own patients: names and local numbers, and only its own number."""

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from trialbridge.contracts.documents import PATIENTS, PatientDoc
from trialbridge.contracts.events import Display
from trialbridge.runtime.ports import DocumentStore


@dataclass(frozen=True, slots=True)
class Person:
    """A patient as the practice knows them."""

    id: str
    name: str = ""
    mrn: str = ""
    birth_date: str = ""
    sex: str = ""

    @property
    def label(self) -> str:
        """Return the name, or words that say that none is known."""
        return self.name or "Name not known"


async def read_people(documents: DocumentStore, tenant: str, ids: Iterable[str]) -> dict[str, Person]:
    """Return the patients that this practice holds, by id; of anybody else only the opaque id."""
    wanted = list(dict.fromkeys(ids))
    found = await documents.get_many(PATIENTS, wanted)
    return {one: _person(one, tenant, found.get(one)) for one in wanted}


def _person(identity: str, tenant: str, doc: PatientDoc | None) -> Person:
    if doc is None or tenant not in doc.tenants or doc.removed:
        return Person(identity)
    try:
        display = msgspec.json.decode(doc.display, type=Display)
    except msgspec.MsgspecError:
        return Person(identity)
    return Person(identity, display.name, display.local_ids.get(tenant, ""), display.birth_date, display.sex)
