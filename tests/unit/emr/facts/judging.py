"""Judges one criterion on FHIR resources, as a trial of its own."""

from collections.abc import Sequence
from typing import Any

import orjson

from tests.unit.emr.genomics.files import TODAY
from trialbridge.contracts.ids import RecordId, SourceId
from trialbridge.criteria.compiler import compile_text, load
from trialbridge.criteria.evaluate import evaluate
from trialbridge.criteria.known import FactIndex
from trialbridge.emr.facts import facts_of


def judged(resources: Sequence[dict[str, Any]], **criterion: object) -> str:
    """Return the verdict (met, not_met, unknown) of a criterion (its kind: what it asks) on a patient's resources."""
    text = orjson.dumps({"id": "T-1", "title": "T", "phase": "I", "lab": "l", "criteria": criterion})
    compiled = compile_text(text, "trial.json")
    assert compiled.trial is not None, compiled.diagnostics
    by_reference = facts_of(resources, SourceId("s"), RecordId("r"))
    index = FactIndex(tuple(fact for facts in by_reference.values() for fact in facts))
    (explanation,) = evaluate(load(compiled.definition), index, TODAY, "p")
    return str(explanation.criteria[-1].verdict)
