"""What the stage asks of the record room, as one value that tests can replace."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trialbridge.contracts.events import Display, Identifier
from trialbridge.contracts.ids import RecordId, SourceId, TenantId
from trialbridge.criteria.facts import AnyFact

Resource = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Extractor:
    """How FHIR R4 resources are read."""

    facts_of: Callable[[Sequence[Resource], SourceId, RecordId], Mapping[str, tuple[AnyFact, ...]]]
    """Facts by FHIR reference; an empty tuple retracts what an older version said."""
    identifiers_of: Callable[[Resource], tuple[Identifier, ...]]
    display_of: Callable[[Resource, TenantId], Display]
