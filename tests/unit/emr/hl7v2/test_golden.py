"""Our own messages give the same bytes as ever. After a change that means to: python -m tests.unit.emr.hl7v2.test_golden."""

import pytest

from tests.unit.emr.hl7v2.samples import FOLDER, every, message, read
from trialbridge.emr.jsontext import canonical

GOLDEN = FOLDER.parent / "golden"
NAMES = ["ADT_A01", "ADT_A40", "MDM_T02", "ORU_R01", "ORU_R01_genomics", "RDE_O11", "SIU_S12", "VXU_V04"]


def output(name: str) -> bytes:
    found = read(message(name))
    errors = [{"where": str(one.error.place), "code": one.error.code} for one in found.set_aside]
    merges = [
        {"survivor": one.survivor, "retired": one.retired, "at": one.at}
        for patient in found.patients
        for one in patient.merges
    ]
    return b"".join(canonical(one) + b"\n" for one in (*every(found), *merges, *errors))


def account(name: str) -> bytes:
    return b"".join(canonical(row) + b"\n" for row in read(message(name)).leaves.details())


@pytest.mark.parametrize("name", NAMES)
def test_the_output_is_the_golden_one(name: str) -> None:
    assert output(name) == (GOLDEN / f"{name}.ndjson").read_bytes()


@pytest.mark.parametrize("name", NAMES)
def test_the_account_is_the_golden_one(name: str) -> None:
    assert account(name) == (GOLDEN / f"{name}.account.ndjson").read_bytes()


if __name__ == "__main__":
    for each in NAMES:
        (GOLDEN / f"{each}.ndjson").write_bytes(output(each))
        (GOLDEN / f"{each}.account.ndjson").write_bytes(account(each))
