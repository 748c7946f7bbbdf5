"""Which handler reads which topic."""

from collections.abc import Mapping

from services.patientview.coding import Holders
from services.patientview.counting import count_codes
from services.patientview.extraction import Extractor
from services.patientview.handlers import Handlers
from trialbridge.contracts.ids import Pseudonyms, SourceId
from trialbridge.contracts.topics import (
    CODE_MAPPINGS,
    EMR_RECORDS,
    LOCAL_CODES_SEEN,
    PATIENT_CONTRIBUTIONS,
    PATIENT_DEMOGRAPHICS,
    PATIENT_LINKS,
    PATIENT_RECODINGS,
)
from trialbridge.runtime.effects import HandlerTable


def handlers(
    extractor: Extractor,
    pseudonyms: Pseudonyms,
    ranks: Mapping[SourceId, int] | None = None,
    holders: Holders | None = None,
) -> HandlerTable:
    """Return the stage's handler table; ``ranks`` orders sources for survivorship, 1 the best."""
    known = holders or Holders()
    stage = Handlers(extractor, pseudonyms, ranks or {}, known)
    return {
        EMR_RECORDS: stage.accept_records,
        PATIENT_DEMOGRAPHICS: stage.resolve_identity,
        PATIENT_LINKS: stage.apply_link,
        PATIENT_CONTRIBUTIONS: stage.fold_view,
        CODE_MAPPINGS: known.take_mapping,
        PATIENT_RECODINGS: stage.recode_patient,
        LOCAL_CODES_SEEN: count_codes,
    }
