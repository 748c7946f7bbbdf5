"""How the value of an element is made out of a row's cells: one function for each kind of `tables/csv_columns.tsv`."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from trialbridge.emr import ucum
from trialbridge.emr.account import Derived, Made, made
from trialbridge.emr.ccda.codes import ABSENT
from trialbridge.emr.csv.dates import date_time
from trialbridge.emr.csv.layouts import Rule, extension_url
from trialbridge.emr.csv.rows import Cell, Row
from trialbridge.emr.tables.rows import pairs, triples

Kind = Callable[[Row, Rule], Any]
TERMS: Final = "http://terminology.hl7.org/CodeSystem/"
NUMBER: Final = re.compile(r"[-+]?(?:[0-9]{1,17}(?:\.[0-9]{1,17})?|\.[0-9]{1,17})")
# A comma before three digits may part thousands: that is not guessed at.
_VALUE: Final = re.compile(
    r"(<=|>=|<|>)?\s*([-+]?[0-9]{1,17}(?:\.[0-9]{1,17}|,[0-9]{1,2}|,[0-9]{4,17})?)(?:\s+(\S.{0,60}))?"
)
_SHAPES: Final = {
    "http://loinc.org": re.compile(r"\s*(?:[0-9]{1,7}|LA[0-9]{1,7}|LP[0-9]{1,7})-[0-9]\s*"),
    "http://snomed.info/sct": re.compile(r"\s*[1-9][0-9]{4,17}\s*"),
    "http://www.nlm.nih.gov/research/umls/rxnorm": re.compile(r"\s*[1-9][0-9]{0,7}\s*"),
}
"""Forms of codes of the systems that layouts leave out."""
_SCORES: Final = frozenset({"89247-1", "89243-0", "89245-5"})
"""ECOG, Karnofsky and Lansky are whole numbers without a unit."""
_US_CORE: Final = "http://hl7.org/fhir/us/core/StructureDefinition/"
_INSTANT: Final = 19


def system_uri(text: Cell | None) -> Cell | None:
    """Return a code system's URI: as written, or of its usual name (LN, SCT, ICD-10-CM)."""
    if text is None:
        return None
    known = pairs("code_systems").get(text.upper())
    bare = "".join(text.split())
    return made(known, text) if known else text if bare == text else made(bare, text)


def coding_of(
    code: Cell | None, system: Cell | str | None, display: Cell | None = None, version: Cell | None = None
) -> dict[str, Any] | None:
    """Return a Coding, None where there is neither code nor name."""
    found: dict[str, Any] = {}
    if code is not None and system:
        found["system"] = system
    if version is not None:
        found["version"] = version
    if code is not None:
        found["code"] = code if " ".join(code.split()) == code else made(" ".join(code.split()), code)
    if display is not None:
        found["display"] = display
    return found if code is not None or display is not None else None


def _usual(rule: Rule, code: Cell | str | None) -> str | None:
    """Return the layout's usual code system where the code has its form: a code of the hospital's own is none of it."""
    shape = _SHAPES.get(rule.argument)
    return rule.argument if shape is None or code is None or shape.fullmatch(code) else None


def _get(row: Row, rule: Rule, number: int) -> Cell | None:
    return row.cell(rule.columns[number]) if number < len(rule.columns) and rule.columns[number] != "-" else None


def _mapped_concept(row: Row, rule: Rule) -> dict[str, Any] | None:
    """Return what the mapping file says that a local code stands for, with the local code as text."""
    found, meaning = row.coded(rule.columns[0])
    if found is None or meaning is None:
        return None
    display = _get(row, rule, 2)
    shown = made(meaning.display) if meaning.display else display
    standard = coding_of(made(meaning.code, found), meaning.system or _usual(rule, meaning.code), shown)
    text = display if display is not None else found
    return {"coding": [standard], "text": text}


def concept(row: Row, rule: Rule) -> dict[str, Any] | None:
    """Return a CodeableConcept of code, system, display, version and text columns."""
    mapped = _mapped_concept(row, rule)
    if mapped is not None:
        return mapped
    code, text = row.word(rule.columns[0]), _get(row, rule, 4)
    display = _get(row, rule, 2)
    found: dict[str, Any] = {}
    coding = coding_of(code, system_uri(_get(row, rule, 1)) or _usual(rule, code), display, _get(row, rule, 3))
    if code is None and display is not None:
        found["text"] = display
    elif coding is not None:
        found["coding"] = [coding]
    if text is not None:
        found["text"] = text
    return found or None


def coding(row: Row, rule: Rule) -> dict[str, Any] | None:
    """Return a Coding of code and system."""
    code = row.word(rule.columns[0])
    return coding_of(code, system_uri(_get(row, rule, 1)) or _usual(rule, code))


def _parts(cell: Cell | None) -> list[Cell | None]:
    return [made(part.strip(), cell) if part.strip() else None for part in cell.split("|")] if cell is not None else []


def concepts(row: Row, rule: Rule) -> list[dict[str, Any]]:
    """Return CodeableConcepts of columns that hold several values, with ``|`` between."""
    codes, systems, displays = (_parts(_get(row, rule, number)) for number in range(3))
    found = []
    for number in range(max(len(codes), len(displays))):
        code, system, display = (one[number] if number < len(one) else None for one in (codes, systems, displays))
        made_of = coding_of(code, system_uri(system) or _usual(rule, code), display)
        if made_of is not None:
            found.append({"coding": [made_of]})
    return found


def evidence(row: Row, rule: Rule) -> list[dict[str, Any]]:
    """Return one extension for each piece of evidence of a disease status."""
    found = concepts(row, rule)
    return [{"url": extension_url("evidence"), "valueCodeableConcept": one} for one in found]


def word(row: Row, rule: Rule) -> Any:
    """Return the code of a fixed list that a word stands for, the list's default where nothing is said."""
    table = triples("csv_codes")
    found = row.word(rule.columns[0])
    if found is None:
        return table.get((rule.argument, "-"))
    known = table.get((rule.argument, found.casefold())) or table.get(
        (rule.argument, "-".join(found.casefold().split()))
    )
    if known is None:
        row.report(rule.columns[0], "csv.unknown-code", "The word is not in the list that FHIR has for this element.")
        return None
    return made(known, found)


def coded(row: Row, rule: Rule) -> dict[str, Any] | None:
    """Return a CodeableConcept of one of HL7's lists, whose address is the argument."""
    if row.word(rule.columns[0]) is None:
        return None
    found = word(row, Rule(rule.element, rule.kind, rule.columns, rule.argument.rpartition("/")[2]))
    return {"coding": [{"system": rule.argument, "code": found}]} if found is not None else None


def table(row: Row, rule: Rule) -> dict[str, Any]:
    """Return the CodeableConcept that a table has for a word (``system|code``), or for none."""
    codes = triples("csv_codes")
    found = row.word(rule.columns[0])
    known = codes.get((rule.argument, found.casefold())) if found is not None else None
    if found is not None and known is None:
        row.report(rule.columns[0], "csv.unknown-code", "The word is not in the table of this column.")
    system, _, code = (known or codes[rule.argument, "-"]).partition("|")
    return {"coding": [{"system": system, "code": made(code, found) if known else code}]}


def fixed(row: Row, rule: Rule) -> str:
    """Return the argument."""
    del row
    return rule.argument


def fixed_code(row: Row, rule: Rule) -> dict[str, Any]:
    """Return the CodeableConcept of the argument (``system|code|display``)."""
    del row
    system, code, display = rule.argument.split("|")
    return {"coding": [{"system": system, "code": code, "display": display}]}


def text(row: Row, rule: Rule) -> Cell | None:
    """Return the words of a column."""
    return row.cell(rule.columns[0])


def _moment(row: Row, column: str) -> Derived | None:
    cell = row.cell(column)
    found = date_time(cell, row.table.formats, row.table.feed.zone) if cell is not None else None
    if cell is not None and found is None:
        row.report(column, "csv.bad-date", "This is no date in ISO 8601 or in a format of the layout or mapping.")
    return made(found, cell) if found is not None else None


def time(row: Row, rule: Rule) -> Derived | None:
    """Return a dateTime; for an ``instant`` nothing where the cell is less precise than that."""
    found = _moment(row, rule.columns[0])
    return None if found is not None and rule.argument == "instant" and len(found) < _INSTANT else found


def date(row: Row, rule: Rule) -> Derived | None:
    """Return a date, as far as it is known."""
    found = _moment(row, rule.columns[0])
    return made(found[:10], found) if found is not None else None


def period(row: Row, rule: Rule) -> dict[str, Any] | None:
    """Return a Period of two columns; with the argument ``unknown`` an element that says so where there is neither."""
    start, end = (_moment(row, column) for column in rule.columns)
    found = {name: value for name, value in (("start", start), ("end", end)) if value is not None}
    absent = {"extension": [{"url": ABSENT, "valueCode": "unknown"}]}
    return found or (absent if rule.argument == "unknown" else None)


def boolean(row: Row, rule: Rule) -> Made | None:
    """Return a truth value."""
    found = row.word(rule.columns[0])
    known = triples("csv_codes").get(("boolean", found.casefold())) if found is not None else None
    if found is not None and known is None:
        row.report(rule.columns[0], "csv.unknown-code", "This is neither true nor false.")
    return Made(known == "true", (found,)) if found is not None and known is not None else None


def identifier(row: Row, rule: Rule) -> dict[str, Any] | None:
    """Return the source's own number of what the row is about."""
    found = row.cell(rule.columns[0])
    return {"value": found} if found is not None else None


def study_number(row: Row, rule: Rule) -> dict[str, Any] | None:
    """Return a study's number with who gives it."""
    value, system = row.cell(rule.columns[0]), system_uri(row.cell(rule.columns[1]))
    return {**({"system": system} if system is not None else {}), "value": value} if value is not None else None


def record_number(row: Row, rule: Rule) -> dict[str, Any]:
    """Return the medical record number."""
    kind = {"coding": [{"system": f"{TERMS}v2-0203", "code": "MR"}]}
    system = row.table.mrn_system
    return {"type": kind, **({"system": system} if system else {}), "value": row.cell(rule.columns[0])}


def phone(row: Row, rule: Rule) -> dict[str, Any] | None:
    """Return a telephone number."""
    found = row.cell(rule.columns[0])
    return {"system": "phone", "value": found} if found is not None else None


def reference(row: Row, rule: Rule) -> dict[str, Any] | None:
    """Return a reference by the source's own number: what it leads to may come in another file, or never."""
    found = row.cell(rule.columns[0])
    kind = _get(row, rule, 1)
    if found is None:
        return None
    of = made(kind, kind) if kind is not None else rule.argument
    return {**({"type": of} if of != "-" else {}), "identifier": {"value": found}}


def member(row: Row, rule: Rule) -> dict[str, Any] | None:
    """Return a reference to another resource of the same row, made of the columns that name it."""
    found = row.made.get(rule.argument)
    cells = tuple(cell for column in rule.columns if (cell := row.cell(column)) is not None)
    return {"reference": made(f"{found['resourceType']}/{found['id']}", *cells)} if found else None


def members(row: Row, rule: Rule) -> list[dict[str, str]]:
    """Return references to resources of the same row."""
    found = (row.made.get(name) for name in rule.argument.split())
    return [{"reference": f"{one['resourceType']}/{one['id']}"} for one in found if one]


def _number(cell: str) -> Decimal:
    plain = cell.replace(",", ".")
    return Decimal(f"0{plain}" if plain.startswith(".") else plain.lstrip("+"))


def unit_of(row: Row, unit: Cell | None) -> dict[str, Any]:
    """Return unit, system and code of a Quantity; UCUM by the mapping's table, else as written where it is UCUM."""
    if unit is None:
        return {}
    known = row.table.units.get(unit)
    code = made(known, unit) if known else unit if ucum.is_valid(unit) else None
    return {"unit": unit, **({"system": ucum.SYSTEM, "code": code} if code is not None else {})}


def quantity(row: Row, rule: Rule) -> dict[str, Any] | None:
    """Return a Quantity of value and unit columns."""
    cell = row.cell(rule.columns[0])
    if cell is None:
        return None
    if not NUMBER.fullmatch(cell):
        row.report(rule.columns[0], "csv.bad-number", "This is no number.")
        return None
    return {"value": Made(_number(cell), (cell,)), **unit_of(row, _get(row, rule, 1))}


def value(row: Row, rule: Rule) -> dict[str, Any]:
    """Return ``value[x]`` of an observation: a code where a system is given, a quantity where it begins with a number, else text."""
    cell, meaning = row.coded(rule.columns[0])
    system, unit = _get(row, rule, 1), _get(row, rule, 2)
    if cell is None:
        return {}
    if meaning is not None:
        shown = made(meaning.display) if meaning.display else None
        standard = coding_of(made(meaning.code, cell), meaning.system, shown)
        return {"valueCodeableConcept": {"coding": [standard], "text": cell}}
    if system is not None:
        return {"valueCodeableConcept": {"coding": [coding_of(cell, system_uri(system))]}}
    found = _VALUE.fullmatch(cell)
    if found is None:
        return {"valueString": cell}
    comparator, digits, written = found.groups()
    if row.word("code") in _SCORES and not comparator and not written and "." not in digits:
        return {"valueInteger": Made(int(digits), (cell,))}
    inner = made(written.strip(), cell) if written else unit
    sign = {"comparator": made(comparator, cell)} if comparator else {}
    return {"valueQuantity": {**sign, "value": Made(_number(digits), (cell,)), **unit_of(row, inner)}}


def answer(row: Row, rule: Rule) -> dict[str, Any]:
    """Return a coded value, or why there is none where the cell says that (``not-asked``)."""
    found = row.word(rule.columns[0])
    reason = triples("csv_codes").get(("absent", found.casefold())) if found is not None else None
    if reason is not None:
        of = made(reason, found)
        return {"dataAbsentReason": {"coding": [{"system": f"{TERMS}data-absent-reason", "code": of}]}}
    coded_as = concept(row, rule)
    return {"valueCodeableConcept": coded_as} if coded_as else {}


def group(row: Row, rule: Rule) -> list[dict[str, Any]]:
    """Return US Core's extension for race or ethnicity: the broad group or a detailed one, and its name."""
    found = row.word(rule.columns[0])
    if found is None:
        return []
    known = triples("csv_codes")
    system = known.get(("omb-group", found.casefold()))
    name = known.get(("omb-name", found.casefold()))
    shown = made(name, found) if name else found
    if system is None and not re.fullmatch(r"[0-9]{4}-[0-9]", found):
        return [{"url": _US_CORE + rule.argument, "extension": [{"url": "text", "valueString": shown}]}]
    coded_as: Mapping[str, Any] = {"system": system or "urn:oid:2.16.840.1.113883.6.238", "code": found}
    code = {**coded_as, **({"display": name} if name else {})}
    part = {"url": "ombCategory" if system else "detailed", "valueCoding": code}
    return [{"url": _US_CORE + rule.argument, "extension": [part, {"url": "text", "valueString": shown}]}]


KINDS: Final[Mapping[str, Kind]] = {
    "answer": answer, "boolean": boolean, "coded": coded, "coding": coding, "concept": concept, "concepts": concepts, "date": date,
    "evidence": evidence, "fixed": fixed, "fixed-code": fixed_code, "group": group, "identifier": identifier, "member": member,
    "members": members, "period": period, "phone": phone, "quantity": quantity, "record-number": record_number,
    "reference": reference, "study-number": study_number, "table": table, "text": text, "time": time, "value": value, "word": word,
}  # fmt: skip
