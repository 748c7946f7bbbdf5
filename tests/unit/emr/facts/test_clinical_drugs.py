"""Drugs out of the names of products."""

import pytest

from trialbridge.contracts.ids import RecordId, SourceId
from trialbridge.criteria.facts import Evidence, Therapy
from trialbridge.emr.facts.clinical_drugs import drugs_in
from trialbridge.emr.facts.treatments import of_medication


@pytest.mark.parametrize(
    ("product", "names"),
    [
        ("Trastuzumab", ("trastuzumab",)),
        ("trastuzumab 150 MG Injection [Herceptin]", ("trastuzumab",)),
        ("16.7 ML PACLitaxel 6 MG/ML Injection", ("paclitaxel",)),
        ("capecitabine 500 MG Oral Tablet [Xeloda]", ("capecitabine",)),
        ("osimertinib 80 MG Oral Tablet", ("osimertinib",)),
        ("osimertinib mesylate 80 MG", ("osimertinib",)),
        ("Tagrisso 80 mg tablet", ("osimertinib",)),
        ("something unknown 5 MG [Herceptin]", ("trastuzumab",)),
        ("pertuzumab 60 MG/ML / trastuzumab 60 MG/ML Injection", ("pertuzumab", "trastuzumab")),
        ("atenolol 25 MG Oral Tablet", ()),
        ("5-fluorouracil", ("fluorouracil",)),
        ("5-fluorouracil 50 MG/ML", ("fluorouracil",)),
        ("no trastuzumab", ()),
        ("stop trastuzumab 150 MG", ()),
        ("", ()),
        ("[]", ()),
        ("12", ()),
        (" / / ", ()),
    ],
)
def test_the_drugs_that_a_product_holds(product: str, names: tuple[str, ...]) -> None:
    assert drugs_in(product) == names


def test_a_product_of_a_cancer_drug_is_a_treatment() -> None:
    name = "trastuzumab 150 MG Injection [Herceptin]"
    resource = {
        "resourceType": "MedicationStatement", "id": "m", "status": "active", "effectivePeriod": {"start": "2024-06-01"},
        "medicationCodeableConcept": {"coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "1", "display": name}]},
    }  # fmt: skip
    (fact,) = of_medication(
        resource, Evidence(resource="MedicationStatement/m", source=SourceId("s"), record=RecordId("r"))
    )
    assert isinstance(fact, Therapy)
    assert (fact.drugs, fact.start, fact.ongoing) == (("trastuzumab",), "2024-06-01", True)
