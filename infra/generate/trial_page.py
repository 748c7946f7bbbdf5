"""``docs/language/trial.md``: the particulars of a trial, its arms, dose levels and sites."""

import inspect
from pathlib import Path
from typing import Any, Final

import msgspec

from infra.generate.faults import Fault
from infra.generate.markdown import code, notice, table
from infra.generate.schemas import field_notes
from infra.generate.wording_of_types import takes
from trialbridge.contracts import events
from trialbridge.contracts.events import Site
from trialbridge.criteria import trial as trials
from trialbridge.criteria.trial import Arm, DoseLevel, Trial

TEXT: Final = """\
# A trial

An object in YAML or JSON. Its criteria apply to all of its arms, an arm's to all of its dose levels; where they are given on several
levels, all must be met. A trial without arms is entered as a whole. An arm or dose level that is not `open` takes nobody, and a
dose level under such an arm neither: the verdict says so.

"""
NOTES: Final = {
    "id": "Its name here and in every verdict; of a site: the name that statements on it use.",
    "title": "What people read.",
    "nct_id": "ClinicalTrials.gov number: NCT and eight digits.",
    "protocol": "The protocol's number.",
    "phase": "I, I/II, II, III, IV …",
    "sponsor": "Who pays for it.",
    "drugs": "What is given in it; what a patient was given before is asked for by [`prior_therapy`](prior_therapy.md).",
    "sites": "Where it recruits.",
    "status": "Whether it takes patients.",
    "criteria": "One criterion: [the language](README.md).",
    "arms": "Its arms.",
    "dose_levels": "Its dose levels or cohorts.",
    "code": "Its name in verdicts, one of its own.",
    "language": "Version of the language.",
    "name": "What people read.",
    "country": "Country.",
    "region": "State or region.",
    "latitude": "Degrees north; criteria on the distance to the site need it.",
}
"""What each key means, where the text below the field does not say it."""
KINDS: Final[tuple[tuple[str, type[msgspec.Struct]], ...]] = (
    ("Trial", Trial), ("Arm", Arm), ("Dose level", DoseLevel), ("Site", Site)
)  # fmt: skip
INSIDE: Final = {
    "criteria": "criterion",
    "arms": "list of arms",
    "dose_levels": "list of dose levels",
    "sites": "list of sites",
}


def render(_root: Path) -> str:
    """Return the page."""
    parts = [f"## {name}\n\n" + table(("key", "takes", "default", "what it is"), _rows(kind)) for name, kind in KINDS]
    return notice("libs/trialbridge/criteria/trial.py") + TEXT + "\n".join(parts)


def _rows(kind: type[msgspec.Struct]) -> list[tuple[str, ...]]:
    below = {**field_notes(inspect.getsource(trials)), **field_notes(inspect.getsource(events))}
    return [_row(kind, field, below) for field in msgspec.structs.fields(kind)]


def _row(
    kind: type[msgspec.Struct], field: msgspec.structs.FieldInfo, below: dict[tuple[str, str], Any]
) -> tuple[str, ...]:
    about = below.get((kind.__name__, field.name)) or NOTES.get(field.name)
    if not about:
        raise Fault(f"infra/generate/trial_page.py says nothing of {kind.__name__}.{field.name}; add it to NOTES")
    shown = "" if field.default in (None, (), "") else code(str(field.default).lower())
    return (
        code(field.name),
        INSIDE.get(field.name) or takes(field.type),
        "**required**" if field.required else shown,
        about,
    )
