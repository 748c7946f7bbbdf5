"""Nothing of a CTML document is left out without a word: what may be changed without changing the trial is told of at its path."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any, Final

import pytest

from tests.unit.criteria.mutations import SOUND
from trialbridge.criteria.compiler import Compiled, compile_text
from trialbridge.criteria.ctml import ARM_KEYS, LEVEL_KEYS, STEP_KEYS, is_ctml
from trialbridge.criteria.ctml_particulars import TRIAL_KEYS
from trialbridge.criteria.diagnostics import Problems
from trialbridge.criteria.documents import read_text
from trialbridge.criteria.writing import text_of

Json = dict[str, Any]
Path = tuple[str | int, ...]
ADULTS: Final = {"clinical": {"age_numerical": ">=18"}}
BESIDE: Final = {"clinical": {"molecular_marker_other": "CD99"}}
DEFAULTS: Final = {
    ("nct_id", ""): "an empty value says nothing",
    ("site_status", "recruiting"): "a site is open without the key",
    ("site_status", "open to accrual"): "a site is open without the key",
    ("value", "open to accrual"): "a trial is open without the key",
    ("arm_suspended", "n"): "an arm is open without the key",
    ("level_suspended", "no"): "a dose level is open without the key",
    ("fusion_partner_hugo_symbol", "any_gene"): "a fusion without the key has any partner",
    ("wildtype", "False"): "a mutation is what variant_category says too",
    ("variant_category", "mutation"): "what annotated_variant or wildtype says too",
    ("variant_category", "signature"): "the key of the signature says so too",
    ("exon", "19"): "what true_transcript_exon says too, of which a note tells",
    ("hugo_symbol", "none"): "the placeholder of a signature, which has no gene",
}
"""Values that stand in the plan as its default or as what another key says: they may be deleted, never changed."""
TOLD: Final = {"ctml.left-out", "trial.not-kept", "trial.free-text", "trial.asks-nothing"}


def _arm(code: str, **more: Any) -> Json:
    match = [{"genomic": {"hugo_symbol": "KRAS", "variant_category": "Mutation"}}]
    return {**{key: f"{key} {code}" for key in ARM_KEYS}, "match": match, "dose_level": [], **more}


EVERY_KEY: Final[Json] = {
    **{key: f"x {key}" for key in TRIAL_KEYS},
    "nct_id": "NCT01234567",
    "nct_number": "NCT07654321",
    "phase": "I",
    "status": "open",
    "_summary": {
        "status": [{"value": "suspended", "date": "May"}, {"value": "open"}],
        "tumor_types": ["a", {"b": "c"}],
        "note": "n",
    },
    "summary": {"status": [{"value": "open", "date": "June"}]},
    "sponsor_list": {
        "sponsor": [
            {"sponsor_name": "A", "is_principal_sponsor": "N", "sponsor_roles": "r", "sponsor_protocol_no": "1"},
            {"sponsor_name": "B", "is_principal_sponsor": "Y", "sponsor_roles": "r", "sponsor_protocol_no": "2"},
            {"sponsor_roles": "r"},
        ]
    },
    "site_list": {
        "site": [
            {"site_name": "N", "site_status": "suspended", "coordinating_center": "Y", "uses_cancer_center_irb": "N"},
            {"site_name": "M", "site_status": "closed"},
        ]
    },
    "drug_list": {"drug": [{"drug_name": "sotorasib", "ncit_code": "C1"}, {"ncit_code": "C2"}]},
    "_trialbridge": {
        "lab": "l",
        "review": True,
        "protocol": "p",
        "id": "T-9",
        "sites": [{"country": "x", "name": "own"}, {}, {"country": "y"}],
    },
    "match": [
        ADULTS,
        {
            "clinical": {
                "gender": "Male",
                "no_gender": "no",
                "number_prior_lines_therapy_allowed": "Any",
                "active_brain_metastases_allowed": "yes",
                "age_expression": "<=70.3",
            }
        },
        {
            "genomic": {
                "hugo_symbol": "EGFR",
                "variant_category": "Mutation",
                "exon": "19",
                "true_transcript_exon": "19",
                "display_name": "e",
                "matching_examples": "m",
            }
        },
        {"clinical": {"gender": "!Female", "no_gender": "yes"}},
    ],
    "treatment_list": {
        "step": [
            {
                **{key: f"x {key}" for key in STEP_KEYS},
                "match": [],
                "arm": [
                    _arm("A", arm_status="closed", arm_suspended="Y"),
                    _arm(
                        "B",
                        arm_status="open",
                        arm_suspended="Y",
                        dose_level=[
                            {
                                **{key: f"x {key}" for key in LEVEL_KEYS},
                                "level_status": "closed",
                                "level_suspended": "Y",
                                "match": [],
                            },
                        ],
                    ),
                ],
            },
            {
                "step_code": "2",
                "step_internal_id": "two",
                "step_type": "t",
                "match": [{"clinical": {"her2_status": "Negative"}}],
            },
            {"step_code": "3"},
        ]
    },
}
"""A document with every key of a trial, step, arm, dose level, site, sponsor and drug, and much that is said twice."""


def documents() -> Iterator[Json]:
    """Yield the sound CTML documents; each leaf of a long table in one of its own."""
    for text in SOUND:
        document, _ = read_text(text, Problems())
        if not is_ctml(document):
            continue
        items = document.get("match") or [{}]
        if len(items) == 1 and len(items[0].get("or", ())) > 20:
            yield from ({**document, "match": [item, BESIDE]} for item in items[0]["or"])
        else:
            yield document
    yield EVERY_KEY


def leaves(value: Any, path: Path = ()) -> Iterator[Path]:
    """Yield the path of every value that is neither object nor list."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if members is None:
        yield path
    for key, one in members or ():
        yield from leaves(one, (*path, key))


def written(path: Path) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")


def told(compiled: Compiled, place: str) -> bool:
    """Return whether what is said of a document names the place, or what it stands in."""
    paths = [one.path for one in compiled.diagnostics if one.code in TOLD]
    return any(place == path or place.startswith((f"{path}.", f"{path}[")) for path in paths)


def without(document: Json, path: Path) -> tuple[Json, Any]:
    changed: Any = deepcopy(document)
    holder = changed
    for step in path[:-1]:
        holder = holder[step]
    return changed, holder


def other(value: Any) -> Any:
    return not value if isinstance(value, bool) else value + 1 if isinstance(value, int) else f"{value or ''}x"


def silent(document: Json) -> Iterator[tuple[str, str, Any]]:
    """Yield what may be deleted or changed without a trace in the trial, and without a word."""
    before = compile_text(text_of(document, "json"))
    assert before.ok, before.diagnostics
    for path in leaves(document):
        for how in ("deleted", "changed"):
            copy, holder = without(document, path)
            value = holder[path[-1]]
            if how == "changed":
                holder[path[-1]] = other(value)
            else:
                del holder[path[-1]]
            after = compile_text(text_of(copy, "json"))
            # Of what is deleted the document that had it must tell; of what is changed, the changed one too.
            heard = told(before, written(path)) and (how == "deleted" or told(after, written(path)))
            if after.digest == before.digest and not heard:
                yield how, written(path), value


def test_what_does_not_change_the_trial_is_told_of() -> None:
    found = [one for document in documents() for one in silent(document)]
    named = {(path.rsplit(".", 1)[-1], str(value).casefold()) for _, path, value in found}
    defaults = {(key, value.casefold()) for key, value in DEFAULTS}
    unheard = [one for one in found if (one[1].rsplit(".", 1)[-1], str(one[2]).casefold()) not in defaults]
    assert unheard == []
    assert {how for how, _, _ in found} == {"deleted"}
    assert defaults - named == set(), "The table has more than is needed."


def test_a_document_has_every_key() -> None:
    arms = EVERY_KEY["treatment_list"]["step"][0]["arm"]
    assert set(EVERY_KEY) == set(TRIAL_KEYS)
    assert set(EVERY_KEY["treatment_list"]["step"][0]) == set(STEP_KEYS)
    assert set(arms[1]) == set(ARM_KEYS)
    assert set(arms[1]["dose_level"][0]) == set(LEVEL_KEYS)


def test_each_note_stands_once_with_its_line_and_refuses_nothing() -> None:
    compiled = compile_text(text_of(EVERY_KEY))
    notes = [one for one in compiled.diagnostics if one.severity == "note"]
    assert compiled.ok
    assert len(notes) > 50
    assert len({one.path for one in notes}) == len(notes)
    assert {one.code for one in notes} == {"ctml.left-out"}
    assert all(one.line and one.hint and one.message.endswith(".") for one in notes)


@pytest.mark.parametrize(
    ("item", "path"),
    [
        ({"clinical": {"gender": " "}}, "match[0].clinical.gender"),
        ({"clinical": {"gender": ["Male", ""]}}, "match[0].clinical.gender[1]"),
        ({"clinical": {"disease_status": ["Advanced", None]}}, "match[0].clinical.disease_status[1]"),
        ({"prior_treatment": {"agent": ["cisplatin", ""]}}, "match[0].prior_treatment.agent[1]"),
    ],
)
def test_an_empty_value_among_others_is_refused(item: Json, path: str) -> None:
    compiled = compile_text(text_of({"protocol_no": "T", "match": [item, ADULTS]}))
    assert [(one.code, one.path) for one in compiled.diagnostics] == [("trial.no-value", path)]


@pytest.mark.parametrize(("bound", "notes"), [(">=0.083", 0), (">=0.25", 0), (">=0.67", 0), (">=0.3", 1), ("<2.04", 1)])
def test_an_age_that_is_rounded_to_months_is_told_of(bound: str, notes: int) -> None:
    compiled = compile_text(text_of({"protocol_no": "T", "match": [{"clinical": {"age_numerical": bound}}]}))
    assert [one.path for one in compiled.diagnostics] == ["match[0].clinical.age_numerical"] * notes
