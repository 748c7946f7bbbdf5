"""Our own documents give the same bytes as ever. After a change that means to: python -m tests.unit.emr.ccda.test_golden."""

import pytest

from tests.unit.emr.ccda.documents import GOLDEN, convert_document, leaves_in, references_in, resources_of, written
from trialbridge.contracts.errors import Place
from trialbridge.emr.fhir.checks import check
from trialbridge.emr.fhir.models import check_by_model
from trialbridge.emr.jsontext import canonical

NAMES = ["discharge", "oncology", "unstructured"]


def output(name: str) -> bytes:
    found = convert_document(written(name))
    errors = [{"where": str(one.error.place), "code": one.error.code} for one in found.set_aside]
    return b"".join(canonical(one) + b"\n" for one in (*resources_of(found), *errors))


def account(name: str) -> bytes:
    rows = convert_document(written(name)).leaves.details()
    return b"".join(canonical(row) + b"\n" for row in rows)


@pytest.mark.parametrize("name", NAMES)
def test_the_output_is_the_golden_one(name: str) -> None:
    assert output(name) == (GOLDEN / f"{name}.ndjson").read_bytes()


@pytest.mark.parametrize("name", NAMES)
def test_the_account_is_the_golden_one(name: str) -> None:
    assert account(name) == (GOLDEN / f"{name}.account.ndjson").read_bytes()


@pytest.mark.parametrize("name", NAMES)
def test_every_leaf_is_in_the_account(name: str) -> None:
    leaves = convert_document(written(name)).account["leaves"]
    assert leaves["leaves"] == leaves_in(written(name))
    assert leaves["unaccounted"] == 0


@pytest.mark.parametrize("name", NAMES)
def test_all_output_is_valid_and_nothing_dangles(name: str) -> None:
    found = resources_of(convert_document(written(name)))
    known = {f"{one['resourceType']}/{one['id']}" for one in found}
    for resource in found:
        check(resource, Place())
        check_by_model(resource, Place())
        assert set(references_in(resource)) <= known


if __name__ == "__main__":
    for each in NAMES:
        (GOLDEN / f"{each}.ndjson").write_bytes(output(each))
        (GOLDEN / f"{each}.account.ndjson").write_bytes(account(each))
