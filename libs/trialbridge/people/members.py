"""Who is known in a network: source patients as identity sees them, and how they are looked up."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from trialbridge.contracts.events import Identifier
from trialbridge.contracts.ids import SourceId, SourcePatientKey


class Member(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A source patient as identity sees it."""

    key: SourcePatientKey
    identifiers: tuple[Identifier, ...] = ()
    merges: tuple[SourcePatientKey, ...] = ()
    """Source patients that a source said are the same (HL7 v2 A40), both ways."""
    source: SourceId = SourceId("")
    """Empty where only a merge named the source patient."""
    birth_date: str = ""
    """Partial date; empty where none is recorded."""
    sex: str = ""
    """FHIR administrative gender; empty where none is recorded."""


class Directory(Protocol):
    """Who is known in the network."""

    def member(self, key: SourcePatientKey) -> Member | None:
        """Return a source patient."""
        ...

    def holders(self, name: str) -> Sequence[SourcePatientKey]:
        """Return the source patients that hold the strong identifier of this `Token` name."""
        ...
