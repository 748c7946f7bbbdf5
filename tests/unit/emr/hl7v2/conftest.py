"""Each test of the converter begins as a new process does, with nothing remembered."""

import pytest

from trialbridge.emr.hl7v2 import again, layouts, settling, templates


@pytest.fixture(autouse=True)
def _as_begun() -> None:
    for one in (layouts, again, templates, settling):
        one.forget()
