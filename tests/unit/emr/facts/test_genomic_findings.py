"""What variant observations of several shapes say: losses of neighbours are no fusions, wild type is no mutation."""

from decimal import Decimal
from typing import Any

import pytest

from trialbridge.contracts.ids import RecordId, SourceId
from trialbridge.criteria import facts as f
from trialbridge.emr.facts import facts_of

LOINC, SO = "http://loinc.org", "http://www.sequenceontology.org"


def part(code: str, **value: Any) -> dict[str, Any]:
    """Return a component with a LOINC code."""
    return {"code": {"coding": [{"system": LOINC, "code": code}]}, **value}


def coded(system: str, code: str, display: str = "") -> dict[str, Any]:
    """Return a component's coded value."""
    return {"valueCodeableConcept": {"coding": [{"system": system, "code": code, "display": display}]}}


def found(*components: dict[str, Any], genes: tuple[str, ...] = ("CDKN2A",), **more: Any) -> list[Any]:
    """Return the facts of a variant of genes."""
    named = [part("48018-6", valueCodeableConcept={"text": gene}) for gene in genes]
    code = {"coding": [{"system": LOINC, "code": "69548-6"}]}
    resource = {"resourceType": "Observation", "id": "o", "status": "final", "code": code, **more}
    return list(
        facts_of([{**resource, "component": [*named, *components]}], SourceId("s"), RecordId("r"))["Observation/o"]
    )


LOSS, GAIN = part("48019-4", **coded(SO, "SO:0001743")), part("48019-4", **coded(SO, "SO:0001742"))


def test_a_loss_of_two_neighbours_is_a_loss_of_each_and_no_fusion() -> None:
    facts = found(LOSS, genes=("CDKN2A", "CDKN2B"))
    assert [(type(one), one.gene, one.call) for one in facts] == [
        (f.CopyNumber, "CDKN2A", "deletion"),
        (f.CopyNumber, "CDKN2B", "deletion"),
    ]


@pytest.mark.parametrize(
    ("quantity", "call", "copies"),
    [
        ({"value": 0}, "homozygous_deletion", "0"),
        ({"value": 1}, "heterozygous_deletion", "1"),
        ({"value": 2}, "neutral", "2"),
        ({"value": 5}, "gain", "5"),
        ({"value": 8}, "amplification", "8"),
        ({"value": 10, "comparator": ">"}, "amplification", None),
        ({"value": 3, "comparator": ">"}, None, None),
        ({"value": 10, "comparator": "<"}, None, None),
    ],
)
def test_a_number_of_copies_is_called_for_what_it_is(
    quantity: dict[str, Any], call: str | None, copies: str | None
) -> None:
    [fact] = found(part("82155-3", valueQuantity=quantity))
    assert (fact.call, fact.copies) == (call, Decimal(copies) if copies else None)


@pytest.mark.parametrize(
    ("change", "call"),
    [
        (GAIN, "gain"),
        (part("48019-4", **coded(LOINC, "LA14033-7", "Copy number gain")), "gain"),
        (part("48019-4", **coded(LOINC, "LA14034-5", "Copy number loss")), "deletion"),
    ],
)
def test_a_gain_without_a_number_is_no_amplification(change: dict[str, Any], call: str) -> None:
    [fact] = found(change)
    assert isinstance(fact, f.CopyNumber)
    assert fact.call == call


@pytest.mark.parametrize(
    "said",
    [
        {"more": part("48019-4", **coded(LOINC, "LA9658-1", "Wild type"))},
        {"more": part("48004-6", valueCodeableConcept={"text": "wild-type"})},
        {"more": part("48005-3", valueCodeableConcept={"text": "None detected"})},
        {"more": part("48005-3", valueString="Not Detected")},
        {"value": {"text": "Wild type"}},
    ],
)
def test_wild_type_is_the_absence_of_a_mutation_wherever_it_is_said(said: dict[str, Any]) -> None:
    more = {"valueCodeableConcept": said["value"]} if "value" in said else {}
    [fact] = found(*([said["more"]] if "more" in said else []), genes=("KRAS",), **more)
    assert isinstance(fact, f.Variant)
    assert (fact.gene, fact.present, fact.protein_change, fact.coding_change) == ("KRAS", False, None, None)


@pytest.mark.parametrize(
    ("words", "significance"),
    [
        ("Likely benign", "likely benign"),
        ("Benign", "benign"),
        ("VUS", "uncertain significance"),
        ("Pathogenic", "pathogenic"),
        ("see text", None),
    ],
)
def test_significance_and_source_in_words(words: str, significance: str | None) -> None:
    [fact] = found(
        part("53037-8", valueCodeableConcept={"text": words}),
        part("48002-0", valueCodeableConcept={"text": "Germline"}),
    )
    assert (fact.significance, fact.source_class) == (significance, "germline")


def test_what_changes_the_meaning_or_is_about_a_relative_is_not_read() -> None:
    """FHIR R4 forbids to process a resource under a modifier extension that is not known."""
    assert found(modifierExtension=[{"url": "http://example.org/negated", "valueBoolean": True}]) == []
    assert found(focus=[{"reference": "RelatedPerson/mother"}]) == []
    assert len(found(focus=[{"reference": "Condition/primary"}])) == 1


@pytest.mark.parametrize(
    ("said", "looked_for"),
    [((), ("mutation",)), (("mutation", "fusion"), ("mutation", "fusion")), (("anything",), ("mutation",))],
)
def test_what_a_panel_looked_for_beyond_mutations_is_what_it_says(
    said: tuple[str, ...], looked_for: tuple[str, ...]
) -> None:
    region = {
        "resourceType": "Observation",
        "id": "o",
        "status": "final",
        "code": {"coding": [{"system": LOINC, "code": "53041-0"}]},
        "extension": [{"url": "urn:trialbridge:fhir:alterations-studied", "valueCode": one} for one in said],
        "component": [part("48018-6", valueCodeableConcept={"text": "ALK"})],
    }
    [coverage] = facts_of([region], SourceId("s"), RecordId("r"))["Observation/o"]
    assert isinstance(coverage, f.Coverage)
    assert (coverage.genes, coverage.alterations) == (("ALK",), looked_for)
