"""Invented C-CDA documents of any size, for measuring: results, problems and medications with their narrative, as records have them."""

import random
from collections.abc import Iterator
from typing import Final

Made = tuple[str, str]
"""Rows of the narrative's table, and the entry that refers to them."""
OPENING: Final = """<?xml version="1.0" encoding="UTF-8"?>
<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:sdtc="urn:hl7-org:sdtc">
  <realmCode code="US"/>
  <typeId root="2.16.840.1.113883.1.3" extension="POCD_HD000040"/>
  <templateId root="2.16.840.1.113883.10.20.22.1.2" extension="2015-08-01"/>
  <id root="2.16.840.1.113883.3.9999.1" extension="{number}"/>
  <code code="34133-9" codeSystem="2.16.840.1.113883.6.1" codeSystemName="LOINC" displayName="Summarization of Episode Note"/>
  <title>Summary of care</title>
  <effectiveTime value="20261120101500-0600"/>
  <confidentialityCode code="N" codeSystem="2.16.840.1.113883.5.25"/>
  <languageCode code="en-US"/>
  <recordTarget>
    <patientRole>
      <id root="2.16.840.1.113883.3.9999.2" extension="P{number}"/>
      <addr use="HP">
        <streetAddressLine>1 Birch Row</streetAddressLine>
        <city>Lakeland</city><state>WI</state><postalCode>54000</postalCode><country>US</country>
      </addr>
      <telecom value="tel:+1-555-0100" use="HP"/>
      <patient>
        <name use="L"><given>Ada</given><family>Birchwood</family></name>
        <administrativeGenderCode code="F" codeSystem="2.16.840.1.113883.5.1" displayName="Female"/>
        <birthTime value="19700301"/>
        <raceCode code="2106-3" codeSystem="2.16.840.1.113883.6.238" displayName="White"/>
        <ethnicGroupCode code="2186-5" codeSystem="2.16.840.1.113883.6.238" displayName="Not Hispanic or Latino"/>
        <languageCommunication><languageCode code="en"/><preferenceInd value="true"/></languageCommunication>
      </patient>
    </patientRole>
  </recordTarget>
  <author>
    <time value="20261120101500-0600"/>
    <assignedAuthor>
      <id root="2.16.840.1.113883.4.6" extension="9999999901"/>
      <assignedPerson><name><given>Olive</given><family>Oak</family></name></assignedPerson>
    </assignedAuthor>
  </author>
  <custodian>
    <assignedCustodian>
      <representedCustodianOrganization><id root="2.16.840.1.113883.3.9999"/><name>North clinic</name></representedCustodianOrganization>
    </assignedCustodian>
  </custodian>
  <component>
    <structuredBody>
"""
CLOSING: Final = "    </structuredBody>\n  </component>\n</ClinicalDocument>\n"
AUTHOR: Final = """<author>
              <templateId root="2.16.840.1.113883.10.20.22.4.119"/>
              <time value="{day}083000-0600"/>
              <assignedAuthor><id root="2.16.840.1.113883.4.6" extension="9999999901"/></assignedAuthor>
            </author>"""
PROBLEM: Final = """          <entry typeCode="DRIV">
            <act classCode="ACT" moodCode="EVN">
              <templateId root="2.16.840.1.113883.10.20.22.4.3" extension="2015-08-01"/>
              <id root="2.16.840.1.113883.3.9999.4" extension="c{n}"/>
              <code code="CONC" codeSystem="2.16.840.1.113883.5.6"/>
              <statusCode code="active"/>
              <effectiveTime><low value="{day}"/></effectiveTime>
              <entryRelationship typeCode="SUBJ">
                <observation classCode="OBS" moodCode="EVN">
                  <templateId root="2.16.840.1.113883.10.20.22.4.4" extension="2015-08-01"/>
                  <id root="2.16.840.1.113883.3.9999.5" extension="p{n}"/>
                  <code code="55607006" codeSystem="2.16.840.1.113883.6.96" displayName="Problem" codeSystemName="SNOMED CT"/>
                  <text><reference value="#p{n}"/></text>
                  <statusCode code="completed"/>
                  <effectiveTime><low value="{day}"/></effectiveTime>
                  <value xsi:type="CD" code="{code}" codeSystem="2.16.840.1.113883.6.96" codeSystemName="SNOMED CT" displayName="{name}">
                    <translation code="{icd}" codeSystem="2.16.840.1.113883.6.90" codeSystemName="ICD-10-CM" displayName="{name}"/>
                  </value>
                  {author}
                </observation>
              </entryRelationship>
            </act>
          </entry>
"""
MEDICATION: Final = """          <entry typeCode="DRIV">
            <substanceAdministration classCode="SBADM" moodCode="EVN">
              <templateId root="2.16.840.1.113883.10.20.22.4.16" extension="2014-06-09"/>
              <id root="2.16.840.1.113883.3.9999.9" extension="m{n}"/>
              <text><reference value="#m{n}"/></text>
              <statusCode code="active"/>
              <effectiveTime xsi:type="IVL_TS"><low value="{day}"/></effectiveTime>
              <effectiveTime xsi:type="PIVL_TS" institutionSpecified="true" operator="A"><period value="12" unit="h"/></effectiveTime>
              <routeCode code="C38288" codeSystem="2.16.840.1.113883.3.26.1.1" codeSystemName="NCI Thesaurus" displayName="ORAL"/>
              <doseQuantity value="1"/>
              <consumable>
                <manufacturedProduct classCode="MANU">
                  <templateId root="2.16.840.1.113883.10.20.22.4.23" extension="2014-06-09"/>
                  <manufacturedMaterial>
                    <code code="{code}" codeSystem="2.16.840.1.113883.6.88" codeSystemName="RxNorm" displayName="{name}"/>
                  </manufacturedMaterial>
                </manufacturedProduct>
              </consumable>
              {author}
            </substanceAdministration>
          </entry>
"""
PANEL: Final = """          <entry typeCode="DRIV">
            <organizer classCode="BATTERY" moodCode="EVN">
              <templateId root="2.16.840.1.113883.10.20.22.4.1" extension="2015-08-01"/>
              <id root="2.16.840.1.113883.3.9999.10" extension="o{n}"/>
              <code code="57021-8" codeSystem="2.16.840.1.113883.6.1" codeSystemName="LOINC" displayName="CBC panel in Blood"/>
              <statusCode code="completed"/>
              <effectiveTime><low value="{day}074500-0600"/><high value="{day}074500-0600"/></effectiveTime>
              {author}
{results}            </organizer>
          </entry>
"""
RESULT: Final = """              <component>
                <observation classCode="OBS" moodCode="EVN">
                  <templateId root="2.16.840.1.113883.10.20.22.4.2" extension="2015-08-01"/>
                  <id root="2.16.840.1.113883.3.9999.11" extension="r{n}-{i}"/>
                  <code code="{code}" codeSystem="2.16.840.1.113883.6.1" codeSystemName="LOINC" displayName="{name}"/>
                  <text><reference value="#r{n}-{i}"/></text>
                  <statusCode code="completed"/>
                  <effectiveTime value="{day}074500-0600"/>
                  <value xsi:type="PQ" value="{value}" unit="{unit}"/>
                  <interpretationCode code="N" codeSystem="2.16.840.1.113883.5.83"/>
                  <referenceRange><observationRange>
                    <value xsi:type="IVL_PQ"><low value="{low}" unit="{unit}"/><high value="{high}" unit="{unit}"/></value>
                  </observationRange></referenceRange>
                </observation>
              </component>
"""
PROBLEMS: Final = (
    ("254837009", "C50.919", "Breast cancer"),
    ("38341003", "I10", "Hypertension"),
    ("195967001", "J45.909", "Asthma"),
)
MEDICATIONS: Final = (("197380", "atenolol 25 MG Oral Tablet"), ("198048", "metformin 500 MG Oral Tablet"))
TESTS: Final = (
    ("718-7", "Hemoglobin", "g/dL", 12, 15), ("6690-2", "Leukocytes", "10*9/L", 4, 11), ("777-3", "Platelets", "10*9/L", 150, 350),
    ("2160-0", "Creatinine", "mg/dL", 0, 1), ("1742-6", "ALT", "U/L", 7, 56),
)  # fmt: skip


def document(size: int, number: int = 1) -> bytes:
    """Return a document of about ``size`` bytes, never less; the same for the same arguments."""
    rng = random.Random(number)
    problems: list[Made] = []
    medications: list[Made] = []
    panels: list[Made] = []
    length = len(OPENING) + len(CLOSING) + 2_000
    while length < size:
        n = len(panels)
        made = (
            _problem(rng, n) if n % 2 == 0 else ("", ""),
            _medication(rng, n) if n % 2 == 0 else ("", ""),
            _panel(rng, n),
        )
        for kept, (row, entry) in zip((problems, medications, panels), made, strict=True):
            if entry:
                kept.append((row, entry))
            length += len(row) + len(entry)
    sections = (
        _section("11450-4", "2.16.840.1.113883.10.20.22.2.5.1", "Problems", problems),
        _section("10160-0", "2.16.840.1.113883.10.20.22.2.1.1", "Medications", medications),
        _section("30954-2", "2.16.840.1.113883.10.20.22.2.3.1", "Results", panels),
    )
    return (OPENING.format(number=number) + "".join(sections) + CLOSING).encode()


def _section(code: str, template: str, title: str, made: list[Made]) -> str:
    rows = "".join(row for row, _ in made)
    entries = "".join(entry for _, entry in made)
    return (
        f'      <component>\n        <section>\n          <templateId root="{template}" extension="2015-08-01"/>\n'
        f'          <code code="{code}" codeSystem="2.16.840.1.113883.6.1" codeSystemName="LOINC" displayName="{title}"/>\n'
        f'          <title>{title}</title>\n          <text><table border="1"><thead><tr><th>What</th><th>When</th></tr></thead><tbody>\n'
        f"{rows}          </tbody></table></text>\n{entries}        </section>\n      </component>\n"
    )


def _day(rng: random.Random) -> str:
    return f"{rng.randint(2018, 2026)}{rng.randint(1, 12):02}{rng.randint(1, 28):02}"


def _row(name: str, text: str, day: str) -> str:
    return f'            <tr ID="{name}"><td>{text}</td><td>{day}</td></tr>\n'


def _problem(rng: random.Random, n: int) -> Made:
    code, icd, name = rng.choice(PROBLEMS)
    day = _day(rng)
    return _row(f"p{n}", name, day), PROBLEM.format(
        n=n, day=day, code=code, icd=icd, name=name, author=AUTHOR.format(day=day)
    )


def _medication(rng: random.Random, n: int) -> Made:
    code, name = rng.choice(MEDICATIONS)
    day = _day(rng)
    return _row(f"m{n}", name, day), MEDICATION.format(
        n=n, day=day, code=code, name=name, author=AUTHOR.format(day=day)
    )


def _panel(rng: random.Random, n: int) -> Made:
    day = _day(rng)
    rows, results = [], []
    for i, (code, name, unit, low, high) in enumerate(TESTS):
        value = f"{rng.uniform(low, high):.2f}"
        rows.append(_row(f"r{n}-{i}", f"{name} {value} {unit}", day))
        results.append(
            RESULT.format(n=n, i=i, day=day, code=code, name=name, value=value, unit=unit, low=low, high=high)
        )
    return "".join(rows), PANEL.format(n=n, day=day, author=AUTHOR.format(day=day), results="".join(results))


def sizes(wanted: tuple[int, ...]) -> Iterator[bytes]:
    """Yield a document of each size, in kilobytes."""
    for number, size in enumerate(wanted, 1):
        yield document(size * 1000, number)
