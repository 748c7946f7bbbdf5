"""Our own inputs of each edition give the same bytes as ever. After a change that means to: python -m tests.unit.emr.fhir.test_golden."""

import pytest

from tests.unit.emr.fhir.judging import GOLDEN, JSON, XML, converted, judge, leaves_in, resources_of
from trialbridge.emr.jsontext import encode
from trialbridge.emr.records import Conversion

NAMES = ["dstu2.json", "stu3.json", "r4.json", "r5.json", "transaction.json", "history.json", "r4.xml", "stu3.xml"]


def read(name: str) -> tuple[bytes, str]:
    return (GOLDEN / name).read_bytes(), XML if name.endswith(".xml") else JSON


def conversion(name: str) -> Conversion:
    return converted(*read(name))


def output(name: str) -> bytes:
    found = conversion(name)
    errors = [{"where": str(one.error.place), "code": one.error.code} for one in found.set_aside]
    return b"".join(encode(one) + b"\n" for one in (*resources_of(found), *errors))


def account(name: str) -> bytes:
    return b"".join(encode(row) + b"\n" for row in conversion(name).leaves.details())


@pytest.mark.parametrize("name", NAMES)
def test_the_output_is_the_golden_one(name: str) -> None:
    assert output(name) == (GOLDEN / f"{name}.out.ndjson").read_bytes()


@pytest.mark.parametrize("name", NAMES)
def test_the_account_is_the_golden_one(name: str) -> None:
    assert account(name) == (GOLDEN / f"{name}.account.ndjson").read_bytes()


@pytest.mark.parametrize("name", NAMES)
def test_all_output_is_valid_nothing_dangles_and_every_leaf_is_in_the_account(name: str) -> None:
    found = conversion(name)
    judge(found)
    assert found.account["leaves"]["leaves"] == leaves_in(*read(name))


@pytest.mark.parametrize("name", ["dstu2.json", "stu3.json", "r5.json"])
def test_other_editions_lose_nothing(name: str) -> None:
    dropped = {row["where"][0] for row in conversion(name).leaves.details() if row["fate"] == "dropped"}
    assert dropped <= {"fhir.envelope", "fhir.said-by-default"}


if __name__ == "__main__":
    for each in NAMES:
        (GOLDEN / f"{each}.out.ndjson").write_bytes(output(each))
        (GOLDEN / f"{each}.account.ndjson").write_bytes(account(each))
