"""The order of what a conversion holds."""

from hypothesis import given
from hypothesis import strategies as st

from trialbridge.emr.held import in_order

KINDS = ("Patient", "PatientX", "Patients", "Pa", "Zoo", "Account", "patient", "Patient0")


@given(st.lists(st.tuples(st.sampled_from(KINDS), st.text("aZ09-.", min_size=1, max_size=3)).map("/".join)))
def test_patients_come_first_and_all_else_by_name(names: list[str]) -> None:
    assert in_order(names) == sorted(names, key=lambda one: (not one.startswith("Patient/"), one))
