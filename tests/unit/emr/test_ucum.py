"""Units of UCUM are told from what only looks like them: a record that names no system gets UCUM's only for its own units."""

import pytest

from trialbridge.criteria.terminology.source import rows
from trialbridge.emr import ucum

VALID = (
    "g/dL mg/dl 10*3/uL 10*9/L 10^3/uL fL pg kg/m2 kU/L {score} {cells}/uL /min mm[Hg] Cel % mL/min/{1.73_m2} [IU]/L mmol/L "
    "meq/L 1/1000000{Base} ng/mL{FEU} mosm/kg mL/(min.m2) ug/(24.h) /[HPF] [degF] 1"
)
OTHER = "giga.l-1 beats/min IU/L C F ft lbs in gm/dl mcg/L mEq/L sec TAB K/uL cells/uL x10e9/L g//dL g/ /"


@pytest.mark.parametrize("unit", VALID.split())
def test_units_of_ucum(unit: str) -> None:
    assert ucum.is_valid(unit)


@pytest.mark.parametrize("unit", [*OTHER.split(), "", "mg per dL", "g" * 5000, "{" * 50])
def test_what_only_looks_like_a_unit_of_ucum(unit: str) -> None:
    assert not ucum.is_valid(unit)


def test_ucums_own_spellings_among_the_units_that_matching_converts_are_valid() -> None:
    first: dict[tuple[str, str], str] = {}
    for unit, dimension, factor in rows("units", 3):
        first.setdefault((dimension, factor), unit)
    assert [unit for unit in first.values() if not ucum.is_valid(unit)] == []
