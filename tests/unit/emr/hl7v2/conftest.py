"""Each test of the converter begins as a new process does, with nothing remembered."""

import pytest

from tests.unit.emr.hl7v2.samples import begin_anew


@pytest.fixture(autouse=True)
def _as_begun() -> None:
    begin_anew()
