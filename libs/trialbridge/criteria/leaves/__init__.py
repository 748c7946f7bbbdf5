"""One judge per leaf kind: what a criterion says of what is known of a patient, in three values."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from trialbridge.criteria import language as q
from trialbridge.criteria.finding import Finding
from trialbridge.criteria.known import Known
from trialbridge.criteria.leaves.coded import judge_allergy, judge_condition, judge_medication, judge_procedure
from trialbridge.criteria.leaves.course import judge_disease_status
from trialbridge.criteria.leaves.disease import judge_diagnosis, judge_histology
from trialbridge.criteria.leaves.extent import judge_stage
from trialbridge.criteria.leaves.markers import judge_expression, judge_signature
from trialbridge.criteria.leaves.measures import judge_lab, judge_performance, judge_vital
from trialbridge.criteria.leaves.person import (
    judge_age,
    judge_consent,
    judge_location,
    judge_pregnancy,
    judge_sex,
    judge_vital_status,
)
from trialbridge.criteria.leaves.rearrangements import judge_copy_number, judge_fusion
from trialbridge.criteria.leaves.therapy import judge_prior_therapy
from trialbridge.criteria.leaves.variants import judge_tested, judge_variant, judge_wild_type

JUDGES: Final[Mapping[type[Any], Callable[[Any, Known], Finding]]] = {
    q.Age: judge_age,
    q.Sex: judge_sex,
    q.VitalStatus: judge_vital_status,
    q.Location: judge_location,
    q.Consent: judge_consent,
    q.Pregnancy: judge_pregnancy,
    q.Diagnosis: judge_diagnosis,
    q.Histology: judge_histology,
    q.Stage: judge_stage,
    q.DiseaseStatus: judge_disease_status,
    q.Performance: judge_performance,
    q.Variant: judge_variant,
    q.CopyNumber: judge_copy_number,
    q.Fusion: judge_fusion,
    q.WildType: judge_wild_type,
    q.Tested: judge_tested,
    q.Signature: judge_signature,
    q.Expression: judge_expression,
    q.PriorTherapy: judge_prior_therapy,
    q.Condition: judge_condition,
    q.Medication: judge_medication,
    q.Procedure: judge_procedure,
    q.Allergy: judge_allergy,
    q.Lab: judge_lab,
    q.Vital: judge_vital,
}
"""The judge of each leaf kind."""

READS: Final[Mapping[type[Any], tuple[str, ...]]] = {
    q.Age: ("demographics",),
    q.Sex: ("demographics",),
    q.VitalStatus: ("demographics",),
    q.Location: ("location",),
    q.Consent: ("consent",),
    q.Pregnancy: ("pregnancy", "demographics"),
    q.Diagnosis: ("diagnosis",),
    q.Histology: ("diagnosis",),
    q.Stage: ("stage", "disease_status", "diagnosis"),
    q.DiseaseStatus: ("disease_status", "stage", "diagnosis", "therapy", "therapy_history"),
    q.Performance: ("performance",),
    q.Variant: ("variant", "coverage"),
    q.CopyNumber: ("copy_number", "coverage"),
    q.Fusion: ("fusion", "coverage"),
    q.WildType: ("variant", "coverage"),
    q.Tested: ("variant", "copy_number", "fusion", "coverage"),
    q.Signature: ("signature", "marker"),
    q.Expression: ("marker",),
    q.PriorTherapy: ("therapy", "therapy_history"),
    q.Condition: ("condition",),
    q.Medication: ("medication",),
    q.Procedure: ("procedure",),
    q.Allergy: ("allergy",),
    q.Lab: ("lab",),
    q.Vital: ("vital",),
}
"""The kinds of facts that each leaf kind reads."""

REVERSIBLE: Final[frozenset[type[Any]]] = frozenset(
    {q.Lab, q.Vital, q.Performance, q.Location, q.Consent, q.Condition, q.Medication, q.Procedure, q.Allergy}
)
"""Leaf kinds of which every verdict may turn by a new record: none of them ever closes a trial for good."""
