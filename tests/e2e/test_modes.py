"""The same seeded run, embedded and on Kafka, MongoDB and S3: identical matches, approvals and withdrawals."""

from pathlib import Path

import pytest

from tests.e2e.running import cluster, demo

PATIENTS = ("--patients", "60")
SAME = (
    "patients",
    "views",
    "approved",
    "potentially",
    "held",
    "awaiting_review",
    "withdrawn",
    "notified",
    "local_codes",
    "dead_letters",
    "hash",
)


@pytest.mark.integration
def test_both_modes_come_to_the_same_end(tmp_path: Path) -> None:
    embedded = demo(tmp_path / "embedded", *PATIENTS)
    with cluster(tmp_path) as services:
        result = services.demo(*PATIENTS)
    assert {name: result[name] for name in SAME} == {name: embedded[name] for name in SAME}
