"""Judges one criterion on what was converted, as a trial of its own."""

import orjson

from tests.unit.emr.genomics.files import TODAY
from trialbridge.contracts.ids import RecordId, SourceId
from trialbridge.criteria.compiler import compile_text, load
from trialbridge.criteria.evaluate import evaluate
from trialbridge.criteria.known import FactIndex
from trialbridge.criteria.verdicts import CriterionResult
from trialbridge.emr.facts import facts_of
from trialbridge.emr.records import Conversion


def judged(found: Conversion, **criterion: object) -> CriterionResult:
    """Return the verdict of a criterion (its kind: what it asks) for the one patient of a conversion."""
    (patient,) = found.patients
    text = orjson.dumps({"id": "T-1", "title": "T", "phase": "I", "lab": "l", "criteria": criterion})
    compiled = compile_text(text, "trial.json")
    assert compiled.trial is not None, compiled.diagnostics
    by_reference = facts_of(patient.resources, SourceId("lab"), RecordId("rec"))
    index = FactIndex(tuple(fact for facts in by_reference.values() for fact in facts))
    (explanation,) = evaluate(load(compiled.definition), index, TODAY, str(patient.local_patient))
    return explanation.criteria[-1]
