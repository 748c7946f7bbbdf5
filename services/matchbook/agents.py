"""Which handler reads which topic."""

from services.matchbook.coverage import keep_coverage
from services.matchbook.handlers import Handlers
from services.matchbook.sinks import keep_audit, keep_dead_letter, pass_lineage
from trialbridge.contracts.topics import (
    AUDIT,
    DEAD_LETTERS,
    FEED_COVERAGE,
    LINEAGE,
    MATCH_REVIEWS,
    REGULATORY_STATUS,
    TRIAL_CRITERIA,
    TRIAL_MATCHES,
)
from trialbridge.runtime.effects import HandlerTable


def handlers(stage: Handlers) -> HandlerTable:
    """Return the stage's handler table."""
    return {
        TRIAL_MATCHES: stage.take_match,
        MATCH_REVIEWS: stage.take_review,
        TRIAL_CRITERIA: stage.take_trial,
        REGULATORY_STATUS: stage.take_regulatory,
        DEAD_LETTERS: keep_dead_letter,
        AUDIT: keep_audit,
        LINEAGE: pass_lineage,
        FEED_COVERAGE: keep_coverage,
    }
