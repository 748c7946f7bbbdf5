"""Invented people for the synthetic world: names, birth dates, addresses and member numbers, drawn from one seed."""

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Literal

from trialbridge.testkit.canaries import of_kind
from trialbridge.testkit.diseases import Disease

_GIVEN_F = (
    "Ada",
    "Bea",
    "Cora",
    "Dora",
    "Edith",
    "Flora",
    "Greta",
    "Hanna",
    "Ines",
    "Juna",
    "Kaja",
    "Lena",
    "Mara",
    "Nora",
)
_GIVEN_M = (
    "Abel",
    "Bruno",
    "Carl",
    "Dario",
    "Emil",
    "Felix",
    "Gero",
    "Hugo",
    "Ivo",
    "Jonas",
    "Karl",
    "Leo",
    "Milo",
    "Noel",
)
_FIRST = (
    "Ash",
    "Birch",
    "Cedar",
    "Dale",
    "Elm",
    "Fern",
    "Glen",
    "Heath",
    "Iron",
    "Juniper",
    "Kestrel",
    "Larch",
    "Moss",
    "Nettle",
)
_SECOND = (
    "bank",
    "brook",
    "croft",
    "field",
    "gate",
    "hurst",
    "land",
    "ley",
    "mere",
    "stead",
    "ton",
    "well",
    "wick",
    "wood",
)
_STREETS = ("Mill Lane", "Quay Street", "Chapel Road", "Orchard Way", "Station Street", "Harbour Walk", "Field Path")
_CITIES = (
    ("Northport", "48101"),
    ("Riverton", "48230"),
    ("Harborview", "48377"),
    ("Hillcrest", "48412"),
    ("Lakeside", "48550"),
)


@dataclass(frozen=True, slots=True)
class Person:
    """Who a synthetic patient is. ``member`` is the network's member number, which all sources share."""

    index: int
    given: str
    family: str
    sex: Literal["female", "male"]
    birth: date
    member: str
    phone: str
    email: str
    street: str
    city: str
    postal: str
    ssn: str = ""
    mrn: tuple[str, ...] = ()
    """Record numbers set by hand; each begins with its source's prefix."""


def draw_person(index: int, rng: Random, disease: Disease, as_of: date) -> Person:
    """Return the person number ``index`` with an age usual for ``disease`` on ``as_of``."""
    sex = disease.sex if disease.sex != "any" else rng.choice(("female", "male"))
    given = rng.choice(_GIVEN_F if sex == "female" else _GIVEN_M)
    family = rng.choice(_FIRST) + rng.choice(_SECOND)
    age_days = rng.randint(disease.ages[0] * 366, disease.ages[1] * 365)
    city, postal = rng.choice(_CITIES)
    street = f"{rng.randint(1, 240)} {rng.choice(_STREETS)}"
    phone = f"+1-555-01{rng.randint(0, 9)}-{rng.randint(1000, 6999)}"
    person = Person(
        index,
        given,
        family,
        "female" if sex == "female" else "male",
        as_of - timedelta(days=age_days),
        f"LKM1{index:06d}{rng.randint(10, 99)}",
        phone,
        f"{given}.{family}.{index}@mail.example".lower(),
        street,
        city,
        postal,
    )
    return plant(person)


def plant(person: Person) -> Person:
    """Return the person with planted identifiers where their number is one of the first four, else unchanged."""
    if person.index > 3:  # noqa: PLR2004 - four families were planted
        return person
    at = person.index
    emails, ssns, streets, phones, members = (of_kind(kind) for kind in ("email", "ssn", "street", "phone", "member"))
    return Person(
        at,
        of_kind("given")[at % 3],
        of_kind("family")[at],
        person.sex,
        person.birth,
        members[at] if at < len(members) else person.member,
        phones[at] if at < len(phones) else person.phone,
        emails[0] if at == 0 else person.email,
        streets[at] if at < len(streets) else person.street,
        person.city,
        person.postal,
        ssns[0] if at == 0 else "",
        of_kind("mrn") if at == 0 else (),
    )
