"""What goes into a conversion and what comes out."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from trialbridge.contracts.errors import Poison
from trialbridge.contracts.events import Identifier, Merge
from trialbridge.contracts.ids import LocalPatientId, NetworkId, SourceId, TenantId
from trialbridge.emr.account import Account, Row
from trialbridge.emr.bounded import Bounded, Memory
from trialbridge.emr.held import Held
from trialbridge.emr.resource import Resource

if TYPE_CHECKING:
    from trialbridge.emr.csv.mapping import FeedMapping

__all__ = [
    "Conversion",
    "Converter",
    "Entry",
    "Feed",
    "Found",
    "PatientRecords",
    "Piece",
    "Resource",
    "SetAside",
    "Shared",
    "Warnings",
]


@dataclass(frozen=True, slots=True)
class Feed:
    """Whose records these are, when they were delivered (RFC 3339), and how this feed is read."""

    network: NetworkId
    tenant: TenantId
    source: SourceId
    received: str
    zone: str = "+00:00"
    """Of times that name none, where the message does not either."""
    alone: bool = False
    """True where nothing else will tell who the patients are: then even a thin PID of a result makes a Patient."""
    sample: int = 0
    """Every how many resources of foreign FHIR one is read by the reference models too, which are slow; 0 for none."""
    mapping: "FeedMapping | None" = None
    """The feed's own columns, words, samples and panels, for tables and variant files."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One file out of a bundle, decrypted and decompressed."""

    name: str
    media_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class SetAside:
    """One bad record: the others go on."""

    error: Poison
    payload: bytes
    payload_type: str


@dataclass(frozen=True, slots=True)
class PatientRecords:
    """All records of one patient out of one bundle."""

    local_patient: LocalPatientId
    resources: tuple[Resource, ...]
    identifiers: tuple[Identifier, ...] = ()
    merges: tuple[Merge, ...] = ()
    entries: tuple[str, ...] = ()
    """Names of the entries that they come from."""
    texts: tuple[bytes, ...] = ()
    """The resources as JSON, instead of ``resources``, where whoever converted asked for texts."""


@dataclass(frozen=True, slots=True)
class Piece:
    """What a converter found about one patient in one place."""

    local_patient: LocalPatientId
    resources: tuple[Resource, ...]
    identifiers: tuple[Identifier, ...] = ()
    merges: tuple[Merge, ...] = ()
    is_fhir: bool = False
    """Whether they were FHIR already: their references may name what another entry holds, and their account follows them."""
    held: tuple[tuple[str, Held], ...] = ()
    """More of the patient's resources, by ``Type/id``, as they are held where texts are wanted (`Warnings.wants_texts`)."""


@dataclass(frozen=True, slots=True)
class Shared:
    """A resource about nobody in particular: a medication, a practitioner, a place."""

    resource: Resource
    is_fhir: bool = False


@dataclass(frozen=True, slots=True)
class Conversion:
    """A whole bundle, converted."""

    patients: Sequence[PatientRecords]
    """By local patient id; of a large input each is made when it is asked for."""
    set_aside: tuple[SetAside, ...]
    warnings: Mapping[str, int] = field(default_factory=dict)
    account: Mapping[str, Any] = field(default_factory=dict)
    """``entries, patients, resources, shared, superseded, set_aside`` and ``not_read``: what was seen and left out, by place."""
    shared: tuple[Resource, ...] = ()
    """Resources about nobody in particular, by type and id."""
    leaves: Account = field(default_factory=Account)
    """What became of each populated leaf of the source; its totals are ``account["leaves"]``."""


class Warnings:
    """Counts what is worth a look, by stable code, and what was seen and left out, by segment or element; holds the account."""

    def __init__(self) -> None:
        """Begin at nothing."""
        self.counts: Counter[str] = Counter()
        self.not_read: Counter[str] = Counter()
        self.account = Account()
        self.editions: Counter[str] = Counter()
        """FHIR resources by the edition that they came in."""
        self.open: dict[str, tuple[str, ...]] = {}
        """References that name nothing in their entry, by resource (``Type/id``): another entry may hold it."""
        self.traced: dict[int, tuple[Row, ...]] = {}
        """What became of the leaves of resources that were changed, by id(); the others' are in the account already."""

        self.wants_texts = False
        """Whether resources are held as JSON anyway: then FHIR whose text is recognised is never read."""
        self.memory: Memory = Bounded()
        """What a converter keeps of one record for the next ones of the same conversion."""

    def note(self, code: str) -> None:
        """Count one."""
        self.counts[code] += 1

    def add(self, other: "Warnings") -> None:
        """Count what others were told of a part of the input."""
        self.counts.update(other.counts)
        self.not_read.update(other.not_read)
        self.account.add(other.account)

    def leave(self, place: str) -> None:
        """Count one segment or element that no table maps yet, for example ``v2.NK1``."""
        self.not_read[place] += 1


Found = Piece | Shared | SetAside
Converter = Callable[[Entry, Feed, Warnings], Iterator[Found]]
"""One for each format: reads an entry and yields what is about each patient, about nobody, and what was set aside."""
