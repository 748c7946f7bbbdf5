"""The mapping tables: every row is used as it stands, and says what FHIR knows."""

import re

import pytest

from trialbridge.emr.ccda.finishing import FINISHERS
from trialbridge.emr.ccda.kinds import kinds
from trialbridge.emr.ccda.readers import READERS
from trialbridge.emr.ccda.rules import rules_of
from trialbridge.emr.fhir.checks import resource_types
from trialbridge.emr.tables.rows import WIDTHS, rows

CCDA = sorted(name for name in WIDTHS if name.startswith("ccda_"))


@pytest.mark.parametrize("name", CCDA)
def test_rows_have_all_their_columns_and_none_comes_twice(name: str) -> None:
    found = rows(name)
    assert found
    assert all(len(row) == WIDTHS[name] for row in found)
    assert len(set(found)) == len(found)


def test_kinds_are_of_resource_types_and_have_rules_and_a_table_of_statuses() -> None:
    sets = {row[0] for row in rows("ccda_elements")}
    tables = {row[0] for row in rows("ccda_codes")}
    for kind in kinds().values():
        if kind.resource == "-":
            continue
        assert kind.resource in resource_types()
        assert kind.resource in FINISHERS
        assert set(kind.rules) <= sets
        assert kind.statuses in tables | {"", "-"}


def test_statements_are_of_known_kinds() -> None:
    assert {row[2] for row in rows("ccda_statements")} <= set(kinds())


def test_rules_compile_and_their_datatypes_and_tables_exist() -> None:
    tables = {row[0] for row in rows("ccda_codes")}
    for name, path, target, datatype, argument in rows("ccda_elements"):
        assert rules_of(name)
        assert datatype in READERS
        assert re.fullmatch(r"[\w/:.\[\]{}]+", path)
        assert re.fullmatch(r"[a-zA-Z]+(\[0?\])?(\.[a-zA-Z]+(\[0?\])?)*", target)
        if datatype == "code":
            assert argument in tables


def test_code_tables_give_one_answer_for_each_code() -> None:
    found = [(row[0], row[1]) for row in rows("ccda_codes")]
    assert len(set(found)) == len(found)


def test_systems_are_uris_and_each_name_means_one() -> None:
    names: dict[str, str] = {}
    for oid, uri, words in rows("ccda_systems"):
        assert re.fullmatch(r"-|[0-2](\.\d+)+", oid)
        assert re.fullmatch(r"[a-z]+:\S+", uri)
        for word in filter(None, words.split("|")):
            assert names.setdefault(word.casefold(), uri) == uri
