"""Laboratory tests by usual name or LOINC code."""

from decimal import Decimal
from functools import cache

from trialbridge.criteria.terminology.source import listed, rows


@cache
def _tests() -> dict[str, tuple[tuple[str, ...], Decimal | None]]:
    return {test: (listed(codes), Decimal(mass) if mass else None) for test, codes, mass, _ in rows("labs", 4)}


@cache
def _names() -> dict[str, str]:
    table = {alias: test for test, _, _, aliases in rows("labs", 4) for alias in listed(aliases)}
    table.update({code: test for test, (codes, _) in _tests().items() for code in codes})
    table.update({test: test for test in _tests()})
    return table


def known() -> tuple[str, ...]:
    """Return every test name of the table."""
    return tuple(name for name in _names() if not name[0].isdigit())


def test_of(name_or_code: str) -> str | None:
    """Return the usual name of a test given by name or LOINC code, or None."""
    return _names().get(" ".join(name_or_code.split()).casefold())


def codes_of(test: str) -> tuple[str, ...]:
    """Return the LOINC codes that mean the test; an unknown test is taken as a LOINC code itself."""
    found = _tests().get(test)
    return found[0] if found else (test,)


def molar_mass(code: str) -> Decimal | None:
    """Return the analyte's molar mass in g/mol for a LOINC code, or None where it is not known."""
    test = _names().get(code)
    return _tests()[test][1] if test else None
