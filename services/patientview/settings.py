"""Settings of patientview."""

from pydantic import Field

from trialbridge.contracts.ids import SourceId
from trialbridge.runtime.settings import BaseServiceSettings


class PatientviewSettings(BaseServiceSettings):
    """What patientview needs to know."""

    source_ranks: dict[SourceId, int] = Field(
        default={},
        description='Rank of each source for survivorship, 1 the best, as JSON: {"north/ehr": 1}; others come last.',
    )
    poll_interval: float = Field(
        default=1.0, gt=0, le=60, description="Seconds between two looks for what people have decided of local codes."
    )
