"""What each code of a problem means, and what to do about it: the pages that ``type`` in a problem leads to."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class About:
    """One code's help."""

    code: str
    means: str
    do: str


_TABLE: Final = (
    ("access.signed-out", "Nobody is signed in, or the session has ended.", "Sign in again."),
    ("access.scope-missing", "Your role does not hold the scope that this address needs.", "Ask for another role."),
    ("access.form-token", "The form's token is missing or old.", "Load the page again and repeat the step."),
    ("access.other-origin", "The form was sent by another site.", "Sign in on this site."),
    ("access.refused", "Name, password, organisation and role do not belong together.", "Check all four."),
    ("access.too-many", "There were too many wrong passwords in a short time.", "Wait a minute, then try again."),
    ("access.undeclared", "An address declares no scope, so it answers nobody.", "Report it; this is a fault of ours."),
    (
        "request.not-found",
        "There is nothing here, or nothing that you may see.",
        "Check the address, or search for it.",
    ),
    ("request.method", "The address does not take that method.", "See the API's description."),
    ("request.invalid", "A field is missing or not of the described form.", "The answer names the field."),
    ("request.too-large", "The body is larger than the address takes.", "Send less at once."),
    (
        "server.unexpected",
        "Something went wrong here; nothing of yours was changed.",
        "Try again; report the trace id.",
    ),
    ("documents.unavailable", "The document store does not answer.", "Wait a moment; it goes on by itself."),
    ("query.bad-cursor", "The cursor of the page is not one of ours.", "Begin with the first page again."),
    ("mark.unknown", "There is no such mark.", "Use one of the marks that the answer lists."),
    ("mark.nothing-to-undo", "There is no earlier mark to go back to.", "Set the mark that you want."),
    ("mark.changed-meanwhile", "Somebody else marked the match at the same time.", "Load the page again."),
    ("review.unknown", "There is no such decision.", "Approve, decline or reopen."),
    ("review.not-asked", "The trial does not ask for a review of its matches.", "Nothing; the other gates decide."),
    ("review.outdated", "The match changed after you opened it.", "Look at it again and decide on what it says now."),
    ("codes.unknown-decision", "There is no such decision.", "Accept, reject or undo."),
    (
        "codes.bad-system",
        "Codes of this kind are not mapped to that system.",
        "Use one of those that the answer lists.",
    ),
    ("codes.bad-target", "The standard code has not its system's form, or a wrong check digit.", "Copy it again."),
    ("codes.nothing-to-undo", "Nothing was decided of the code that could be taken back.", "Decide on it first."),
    (
        "codes.withheld",
        "Fewer than 11 patients' records hold the code, so its words are shown to its practice alone.",
        "Ask somebody of the practice to decide on it.",
    ),
    ("discard.no-reason", "A dead letter is discarded with a reason.", "Say why nobody needs it."),
    ("trial.bad-status", "A trial is open, suspended or closed.", "Use one of the three."),
    ("trial.taken", "Another laboratory has a trial with this id.", "Choose another id."),
    ("trial.foreign-lab", "The trial names another laboratory than yours.", "Name your own, or leave it out."),
    ("trial.unknown-key", "The trial holds a key that the language does not know.", "See the nearest spelling."),
)
_KNOWN: Final = {code: About(code, means, do) for code, means, do in _TABLE}


def about(code: str) -> About | None:
    """Return what a code means, or None where it is not one of the portal's."""
    return _KNOWN.get(code)
