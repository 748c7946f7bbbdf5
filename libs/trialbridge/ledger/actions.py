"""The closed list of audited actions, ``source:subject:action``. What is not named here cannot be recorded."""

from enum import StrEnum


class Action(StrEnum):
    """One thing that someone did or tried to do."""

    SIGN_IN = "portal:session:sign-in"
    SIGN_IN_REFUSED = "portal:session:refuse"
    SIGN_OUT = "portal:session:sign-out"
    SCOPE_REFUSED = "portal:scope:refuse"
    PATIENT_LISTED = "portal:patient:list"
    """A patient's row was shown in a worklist or inbox; the subject is the patient's opaque id."""
    PATIENT_READ = "portal:patient:read"
    """A patient's evidence was shown; the subject is the patient's opaque id."""
    MATCH_READ = "portal:match:read"
    MATCH_MARKED = "portal:match:mark"
    MATCH_REVIEWED = "portal:match:review"
    NOTIFICATION_MARKED = "portal:notification:mark"
    TRIAL_LINTED = "portal:trial:lint"
    TRIAL_REGISTERED = "portal:trial:register"
    COUNTS_READ = "portal:counts:read"
    HISTORY_SEARCHED = "portal:history:search"
    HISTORY_READ = "portal:history:read"
    HISTORY_EXPORTED = "portal:history:export"
    AUDIT_READ = "portal:audit:read"
    DEAD_LETTER_REPLAYED = "portal:dead_letter:replay"
    COMMAND_SENT = "portal:command:send"
    CLI_TICKET_ISSUED = "cli:ticket:issue"
    CLI_DEAD_LETTER_REPLAYED = "cli:dead_letter:replay"
    COMMAND_CARRIED_OUT = "stage:command:carry-out"
    """A service did, or refused, what someone had asked for; the subject is the command's id, the reason its kind and code."""
