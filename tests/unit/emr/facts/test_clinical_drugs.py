"""Drugs out of the names of products."""

import pytest

from trialbridge.emr.facts.clinical_drugs import drugs_in


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
