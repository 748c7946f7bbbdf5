"""Laboratory results with nested OBX become variant Observations of Genomics Reporting, and facts."""

from decimal import Decimal
from typing import Any

from tests.unit.emr.hl7v2.samples import FEED, every, message, of_type, read
from trialbridge.contracts.ids import RecordId
from trialbridge.criteria import facts as f
from trialbridge.emr.facts import facts_of
from trialbridge.emr.records import Conversion


def text() -> str:
    return message("ORU_R01_genomics")


def facts(found: Conversion) -> list[Any]:
    read_facts = facts_of(every(found), FEED.source, RecordId("r"))
    return [one for some in read_facts.values() for one in some]


def variants(found: Conversion) -> dict[str, dict[str, Any]]:
    """Return the variant Observations by gene."""
    chosen = [one for one in of_type(found, "Observation") if "component" in one]
    return {one["component"][0]["valueCodeableConcept"]["coding"][0]["display"]: one for one in chosen}


def test_obx_of_one_sub_id_are_one_variant_with_its_components() -> None:
    found = read(text())
    by_gene = variants(found)
    assert by_gene.keys() == {"EGFR", "KRAS"}
    egfr = by_gene["EGFR"]
    parts = {one["code"]["coding"][0]["code"]: one for one in egfr["component"]}
    assert egfr["valueCodeableConcept"]["coding"][0]["code"] == "LA9633-4"
    assert [one["code"] for one in egfr["code"]["coding"]] == ["69548-6"]
    assert egfr["meta"]["profile"] == ["http://hl7.org/fhir/uv/genomics-reporting/StructureDefinition/variant"]
    assert parts["48004-6"]["valueCodeableConcept"]["coding"][0]["code"] == "c.2573T>G"
    assert parts["48005-3"]["valueCodeableConcept"]["coding"][0]["code"] == "p.Leu858Arg"
    assert str(parts["81258-6"]["valueQuantity"]["value"]) == "0.230"
    [report] = of_type(found, "DiagnosticReport")
    assert {f"Observation/{one['id']}" for one in by_gene.values()} <= {one["reference"] for one in report["result"]}


def test_facts_read_gene_change_fraction_and_absence() -> None:
    found = {one.gene: one for one in facts(read(text())) if isinstance(one, f.Variant)}
    assert (found["EGFR"].present, found["KRAS"].present) == (True, False)
    assert found["EGFR"].allele_fraction == Decimal("0.230")
    assert "858" in str(found["EGFR"].protein_change)


def test_results_beside_variants_stay_on_their_own() -> None:
    alone = [one for one in of_type(read(text()), "Observation") if "component" not in one]
    assert {one["code"]["coding"][0]["code"] for one in alone} == {"51968-6", "94076-7"}


def rewritten(code: str, status: str) -> str:
    """Return the message with the status of all results of a code changed."""
    rows = [row.split("|") for row in text().split("\r")]
    for row in rows:
        if row[0] == "OBX" and row[3].startswith(code):
            row[11] = status
    return "\r".join("|".join(row) for row in rows)


def test_a_withdrawn_assessment_retracts_the_variant_under_its_id() -> None:
    before, after = variants(read(text())), variants(read(rewritten("69548-6", "W")))
    assert {one["id"] for one in before.values()} == {one["id"] for one in after.values()}
    assert {one["status"] for one in after.values()} == {"entered-in-error"}
    assert not [one for one in facts(read(rewritten("69548-6", "W"))) if isinstance(one, f.Variant)]


def test_a_withdrawn_part_is_no_component() -> None:
    found = read(rewritten("81258-6", "D"))
    codes = [one["code"]["coding"][0]["code"] for one in variants(found)["EGFR"]["component"]]
    assert "81258-6" not in codes
    assert variants(found)["EGFR"]["status"] == "final"
    assert {one.gene: one.allele_fraction for one in facts(found) if isinstance(one, f.Variant)}["EGFR"] is None
    assert "0.230" in str(variants(found)["EGFR"]["extension"])


def fusion() -> str:
    """Return the message with two genes in one result, as laboratories tell of a fusion."""
    changed = text().replace("3236^EGFR^HGNC", "427^ALK^HGNC~1316^EML4^HGNC")
    return "\r".join(row for row in changed.split("\r") if "|2a|c." not in row and "|2a|p." not in row)


def test_two_genes_in_one_result_are_two_components_and_a_fusion() -> None:
    found = read(fusion())
    alk = variants(found)["ALK"]
    genes = [one["valueCodeableConcept"]["coding"][0] for one in alk["component"] if "48018-6" in str(one["code"])]
    assert [(one["code"], one["display"]) for one in genes] == [("427", "ALK"), ("1316", "EML4")]
    assert found.leaves.summary()["unaccounted"] == 0
    [told] = [one for one in facts(found) if isinstance(one, f.Fusion)]
    assert (told.gene, told.partner, told.present) == ("ALK", "EML4", True)
    assert "ALK" not in {one.gene for one in facts(found) if isinstance(one, f.Variant)}
