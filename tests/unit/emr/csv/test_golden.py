"""Our own tables and variant files give the same bytes as ever. After a change that means to: python -m tests.unit.emr.csv.test_golden."""

from pathlib import Path

import pytest

from tests.unit.emr.csv.tables import GOLDEN, assert_whole, feed_of, resources_of
from trialbridge.emr.convert import convert
from trialbridge.emr.csv.mapping import read_mapping
from trialbridge.emr.jsontext import canonical
from trialbridge.emr.records import Conversion, Entry
from trialbridge.emr.sniff import media_type_of

VARIANTS = GOLDEN.parent.parent / "genomics" / "golden"
FILES = {
    GOLDEN / "patients.csv": None,
    GOLDEN / "conditions.csv": None,
    GOLDEN / "staging.csv": None,
    GOLDEN / "results.tsv": GOLDEN / "results.yaml",
    VARIANTS / "panel.vcf": VARIANTS / "mapping.yaml",
    VARIANTS / "study.maf": VARIANTS / "mapping.yaml",
}


def converted(path: Path) -> Conversion:
    given = FILES[path]
    mapping = read_mapping(given.read_bytes(), given.name) if given else None
    body = path.read_bytes()
    return convert([Entry(path.name, media_type_of(path.name, body), body)], feed_of(mapping))


def output(path: Path) -> bytes:
    found = converted(path)
    errors = [{"where": str(one.error.place), "code": one.error.code} for one in found.set_aside]
    return b"".join(canonical(one) + b"\n" for one in (*resources_of(found), *errors))


def account(path: Path) -> bytes:
    return b"".join(canonical(row) + b"\n" for row in converted(path).leaves.details())


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.name))
def test_the_output_is_the_golden_one(path: Path) -> None:
    assert output(path) == path.with_suffix(".ndjson").read_bytes()


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.name))
def test_the_account_is_the_golden_one(path: Path) -> None:
    assert account(path) == path.with_suffix(".account.ndjson").read_bytes()


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.name))
def test_the_output_is_valid_and_whole(path: Path) -> None:
    assert_whole(converted(path))


if __name__ == "__main__":
    for each in FILES:
        each.with_suffix(".ndjson").write_bytes(output(each))
        each.with_suffix(".account.ndjson").write_bytes(account(each))
