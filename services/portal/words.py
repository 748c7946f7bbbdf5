"""Every word that stands for a stored value, in one place: what people read, the sign beside it, and what it means."""

from typing import Final, NamedTuple


class Word(NamedTuple):
    """How a stored value is shown; sign and text always stand together, so colour is never needed."""

    text: str
    sign: str
    tone: str
    """Names a colour pair of the style sheet: good, wait, bad, calm."""
    about: str = ""


STATUS: Final = {
    "approved": Word("Approved", "✓", "good", "Every gate is open; the practice was told."),
    "awaiting_review": Word("Awaiting review", "◐", "wait", "Eligible; a named person has to look at it."),
    "held": Word("Held", "‖", "wait", "Eligible, but a gate is closed."),
    "potentially": Word(
        "Potentially eligible",
        "?",
        "calm",
        "Nothing speaks against it for good: something is not known yet, or is not met now and may change.",
    ),
    "withdrawn": Word("Withdrawn", "↩", "bad", "Was approved and no longer is."),
    "closed": Word("No longer proposed", "×", "calm", "Was never approved and no longer fits."),  # noqa: RUF001 -- a sign
}
OPEN_STATUSES: Final = ("approved", "awaiting_review", "held", "potentially")

MARK: Final = {
    "new": Word("New", "•", "calm"),
    "pending": Word("Pending", "…", "wait"),
    "flagged": Word("Flagged", "⚑", "wait"),
    "contacted": Word("Contacted", "✉", "calm"),
    "eligible": Word("Eligible", "✓", "good"),
    "enrolled": Word("Enrolled", "★", "good"),
    "deferred": Word("Deferred", "↷", "wait"),
    "not_eligible": Word("Not eligible", "✗", "bad"),
}

VERDICT: Final = {
    "met": Word("Met", "✓", "good"),
    "unknown": Word("Not known", "?", "wait"),
    "not_met": Word("Not met", "✗", "bad"),
    "not_now": Word("Not met now", "↻", "wait", "May change with time or treatment."),
    "negated_met": Word("Applies", "✗", "bad"),
    "negated_unknown": Word("Not known", "?", "wait"),
    "negated_not_met": Word("Does not apply", "✓", "good"),
}

KIND: Final = {
    "all": "All of these",
    "any": "Any one of these",
    "not": "Must not be the case",
    "at_least": "At least so many of these",
    "vital_status": "Alive",
    "location": "Where the patient lives",
    "consent": "Consent to research",
    "disease_status": "Course of the disease",
    "performance": "Performance status",
    "variant": "Gene variant",
    "copy_number": "Copy number",
    "fusion": "Gene fusion",
    "wild_type": "No mutation (wild type)",
    "tested": "Tested for",
    "signature": "Genomic signature",
    "expression": "Protein expression",
    "prior_therapy": "Earlier treatment",
    "condition": "Other condition",
    "lab": "Laboratory value",
    "vital": "Vital sign",
}

OUTCOME: Final = {
    "eligible": Word("Eligible", "✓", "good"),
    "potentially": Word("Potentially eligible", "?", "wait"),
    "not_eligible": Word("Not eligible", "✗", "bad"),
}

GATE: Final = {
    "clinical": "Clinical criteria",
    "trial": "Trial is open",
    "regulatory": "Approved by the authority",
    "site": "A site recruits",
    "consent": "Patient's consent",
    "review": "Review by a person",
}

COST: Final = {
    "ask": "a question",
    "record": "a document",
    "lab": "a blood test",
    "imaging": "imaging",
    "sequencing": "sequencing",
    "biopsy": "a biopsy",
}

CAUSE: Final = {
    "patient": "New records about the patient arrived.",
    "trial": "The trial's version or status changed.",
    "time": "A date was reached.",
    "identity": "Records were found to belong to another person.",
    "regulatory": "The trial's regulatory status changed.",
    "review": "A named person reviewed it.",
}

STAGE: Final = {
    "ready": Word("Ready", "✓", "good"),
    "starting": Word("Starting", "…", "wait"),
    "waiting": Word("Waiting", "‖", "wait", "A store or the broker is away; it goes on by itself."),
    "stopped": Word("Stopped", "×", "bad"),  # noqa: RUF001 -- a sign
    "silent": Word("Silent", "!", "bad", "It has not reported for a while."),
    "absent": Word("Not started", "–", "calm", "It has never reported."),  # noqa: RUF001 -- a sign
}

TICKET: Final = {
    "issued": Word("Issued", "…", "calm"),
    "waiting": Word("Waiting for the object", "…", "wait"),
    "redeemed": Word("Redeemed", "✓", "good"),
    "refused": Word("Refused", "✗", "bad"),
    "expired": Word("Expired", "×", "bad"),  # noqa: RUF001 -- a sign
    "orphaned": Word("Orphaned", "?", "wait", "An object that nobody ticketed."),
}

LETTER: Final = {
    "open": Word("Open", "!", "bad"),
    "replayed": Word("Sent through again", "✓", "good"),
    "discarded": Word("Discarded", "×", "calm"),  # noqa: RUF001 -- a sign
}

COMMAND: Final = {
    "requested": Word("Asked for", "…", "wait"),
    "done": Word("Done", "✓", "good"),
    "refused": Word("Refused", "✗", "bad"),
}

TRIAL: Final = {
    "open": Word("Open", "✓", "good"),
    "suspended": Word("Suspended", "‖", "wait"),
    "closed": Word("Closed", "×", "bad"),  # noqa: RUF001 -- a sign
}

AUTHORITY: Final = {
    "approved": Word("Approved", "✓", "good"),
    "hold": Word("On hold", "‖", "wait"),
    "not_approved": Word("Not approved", "×", "bad"),  # noqa: RUF001 -- a sign
    "none": Word("Nothing said", "–", "calm", "Its matches are held."),  # noqa: RUF001 -- a sign
}

DELIVERY: Final = {
    "pending": Word("Pending", "…", "wait"),
    "delivered": Word("Delivered", "✓", "good"),
    "failed": Word("Failed", "✗", "bad"),
    "disabled": Word("Disabled", "×", "bad"),  # noqa: RUF001 -- a sign
}

ASKED: Final = {
    "register_trial": "Register a trial",
    "set_trial_status": "Change a trial's status",
    "set_regulatory": "Record an authority's statement",
    "review_match": "Record a review",
    "issue_ticket": "Issue a ticket",
    "replay": "Send through again",
    "discard": "Discard a dead letter",
    "redeliver": "Deliver a message again",
    "review_codes": "Decide on a local code",
}

CODE: Final = {
    "open": Word("To review", "?", "wait", "Nobody has decided what it means."),
    "accepted": Word("Accepted", "✓", "good", "The standard code stands beside the local one."),
    "rejected": Word("Left as it is", "×", "calm", "Somebody decided that it stays without a standard code."),  # noqa: RUF001 -- a sign
}

LOCAL: Final = {
    "observation": Word("Test or observation", "◦", "calm"),
    "condition": Word("Diagnosis or condition", "◦", "calm"),
    "medication": Word("Medication", "◦", "calm"),
    "procedure": Word("Procedure", "◦", "calm"),
    "allergy": Word("Allergy", "◦", "calm"),
    "unit": Word("Unit", "◦", "calm"),
    "answer": Word("Answer", "◦", "calm", "A coded answer to a question that matching reads."),
}

DECISION: Final = {
    "accept": Word("Accepted", "✓", "good"),
    "reject": Word("Left as it is", "×", "calm"),  # noqa: RUF001 -- a sign
    "undo": Word("Undone", "↩", "wait"),
}

MESSAGE: Final = {
    "approved": Word("Approved", "✓", "good"),
    "withdrawn": Word("Withdrawn", "↩", "bad"),
}

RESULT: Final = {
    "success": Word("Done", "✓", "good"),
    "denied": Word("Denied", "✗", "bad"),
    "failure": Word("Failed", "!", "wait"),
}

TABLES: Final = {
    "status": STATUS,
    "mark": MARK,
    "verdict": VERDICT,
    "outcome": OUTCOME,
    "stage": STAGE,
    "ticket": TICKET,
    "letter": LETTER,
    "command": COMMAND,
    "trial": TRIAL,
    "authority": AUTHORITY,
    "delivery": DELIVERY,
    "message": MESSAGE,
    "result": RESULT,
    "code": CODE,
    "local": LOCAL,
    "decision": DECISION,
}

ROLE: Final = {
    "practice": "Practice coordinator",
    "lab": "Research lab",
    "auditor": "Auditor",
    "operator": "Operator",
}


def word(table: str, value: str) -> Word:
    """Return how a value is shown; a value that has no word yet is shown as it is."""
    return TABLES[table].get(value) or Word(value.replace("_", " "), "•", "calm")


def cause(value: str) -> str:
    """Return why a match was looked at again, as a sentence."""
    return CAUSE.get(value, "")


def kind_title(kind: str) -> str:
    """Return what a criterion is about."""
    return KIND.get(kind) or kind.replace("_", " ").capitalize()
