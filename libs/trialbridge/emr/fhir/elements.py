"""Which elements a type has in each edition of FHIR, with their datatypes (`tables/fhir_elements.tsv`, `tables/fhir_dstu2.tsv`)."""

from collections.abc import Mapping
from functools import cache
from typing import Final, Literal, NamedTuple

from trialbridge.emr.tables.rows import rows

Edition = Literal["DSTU2", "STU3", "R4", "R4B", "R5"]
EDITIONS: Final[tuple[Edition, ...]] = ("DSTU2", "STU3", "R4", "R4B", "R5")
OLDER: Final[tuple[Edition, ...]] = ("STU3", "R5", "DSTU2")
"""The editions that become R4, the likeliest first; R4B is R4 as far as records go."""
NUMBERS: Final[Mapping[Edition, str]] = {"DSTU2": "1.0", "STU3": "3.0", "R4": "4.0", "R4B": "4.3", "R5": "5.0"}
"""As in the media type parameter ``fhirVersion`` and in the addresses of extensions."""


class Kind(NamedTuple):
    """The datatype of an element, and whether there may be several."""

    name: str
    several: bool

    @property
    def is_primitive(self) -> bool:
        """Whether its values are plain."""
        return self.name[:1].islower()


Elements = Mapping[str, Kind]


def _kinds(text: str) -> dict[str, Kind]:
    pairs = (one.split(":") for one in text.split())
    return {name: Kind(kind.lstrip("*"), kind.startswith("*")) for name, kind in pairs}


@cache
def _texts() -> dict[tuple[str, str], str]:
    return {(edition, name): elements for edition, name, elements in rows("fhir_elements")}


@cache
def elements_of(edition: Edition, name: str) -> Elements | None:
    """Return the elements of a datatype, a resource type or a part of one (``ObservationComponent``); None for no such type."""
    if edition == "R4B":
        return elements_of("R4", name)
    if edition == "DSTU2":
        return _of_dstu2(name)
    text = _texts().get((edition, name)) or _texts().get(("R4", name))
    return None if text is None else _kinds(text)


def _of_dstu2(name: str) -> Elements | None:
    """The differences of DSTU2 from STU3, or from R4 where STU3 has no such type, are written by hand."""
    changed = _dstu2().get(name)
    like = elements_of("STU3", name)
    if changed is None:
        return like
    return {**(like or _PART), **changed}


_PART: Final = _kinds("id:string extension:*Extension modifierExtension:*Extension")


@cache
def _dstu2() -> dict[str, dict[str, Kind]]:
    return {name: _kinds(elements) for name, elements in rows("fhir_dstu2")}


def edition_of_number(number: str) -> Edition | None:
    """Return the edition of a version number (``3.0``, ``4.0.1``); None for one that is not known."""
    start = ".".join(number.split(".")[:2])
    return _BY_NUMBER.get(start)


_BY_NUMBER: Final[dict[str, Edition]] = {
    **{number: edition for edition, number in NUMBERS.items()},
    "0.5": "DSTU2", "1.1": "DSTU2", "1.4": "STU3", "1.6": "STU3", "1.8": "STU3", "3.2": "R4", "3.3": "R4", "3.5": "R4",
    "4.1": "R4B", "4.2": "R5", "4.4": "R5", "4.5": "R5", "4.6": "R5",
}  # fmt: skip
"""The drafts of an edition are read as it."""
