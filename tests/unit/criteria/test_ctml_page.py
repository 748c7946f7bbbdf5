"""The page on CTML names every key that is read."""

from pathlib import Path

import pytest

from trialbridge.criteria.ctml_clinical import CLINICAL_KEYS, TREATMENT_KEYS
from trialbridge.criteria.ctml_genomic import KEYS

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "language" / "ctml.md").read_text("utf-8")


@pytest.mark.parametrize("key", [key for key in (*CLINICAL_KEYS, *KEYS, *TREATMENT_KEYS) if not key.endswith("_status") or key in (
    "her2_status", "er_status", "pr_status", "disease_status", "ms_status", "mmr_status",
)])  # fmt: skip
def test_the_page_names_a_key(key: str) -> None:
    assert f"`{key}`" in PAGE
