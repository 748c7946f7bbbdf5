"""Large documents: all of their entries, in little memory."""

import subprocess
import sys

import msgspec
import pytest

from tests.unit.emr.ccda.documents import convert_document, leaves_in, of_type
from trialbridge.testkit.ccda_bench import times
from trialbridge.testkit.ccda_documents import document


def test_every_entry_of_a_generated_document_is_converted() -> None:
    body = document(155_000)
    found = convert_document(body)
    assert found.set_aside == ()
    assert len(of_type(found, "Observation")) == body.count(b'22.4.2"')
    assert len(of_type(found, "Condition")) == body.count(b'22.4.4"')
    assert len(of_type(found, "MedicationStatement")) == body.count(b'22.4.16"')
    leaves = found.account["leaves"]
    assert leaves["leaves"] == leaves_in(body)
    assert leaves["mapped"] >= 0.99 * leaves["leaves"]


def test_the_generator_repeats_itself() -> None:
    assert document(20_000) == document(20_000)
    assert document(20_000) != document(20_000, 2)
    assert len(document(20_000)) >= 20_000


@pytest.mark.slow
def test_the_measurement_names_three_sizes() -> None:
    rows = times()
    assert [row["bytes"] // 1000 >= size for row, size in zip(rows, (48, 155, 244), strict=True)] == [True] * 3
    assert all(row["ms"] > 0 for row in rows)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_thirty_megabytes_take_less_than_five_hundred_of_memory() -> None:
    command = [sys.executable, "-m", "trialbridge.testkit.ccda_bench", "30"]
    done = subprocess.run(command, capture_output=True, check=True)
    row = msgspec.json.decode(done.stdout)
    assert row["bytes"] >= 30_000_000
    assert row["resources"] > 20_000
    assert row["peak_mb"] <= 500
