"""Which handler reads which topic."""

from collections.abc import Mapping

from services.patientview.extraction import Extractor
from services.patientview.handlers import Handlers
from trialbridge.contracts.ids import Pseudonyms, SourceId
from trialbridge.contracts.topics import EMR_RECORDS, PATIENT_CONTRIBUTIONS, PATIENT_DEMOGRAPHICS, PATIENT_LINKS
from trialbridge.runtime.effects import HandlerTable


def handlers(extractor: Extractor, pseudonyms: Pseudonyms, ranks: Mapping[SourceId, int] | None = None) -> HandlerTable:
    """Return the stage's handler table; ``ranks`` orders sources for survivorship, 1 the best."""
    stage = Handlers(extractor, pseudonyms, ranks or {})
    return {
        EMR_RECORDS: stage.accept_records,
        PATIENT_DEMOGRAPHICS: stage.resolve_identity,
        PATIENT_LINKS: stage.apply_link,
        PATIENT_CONTRIBUTIONS: stage.fold_view,
    }
