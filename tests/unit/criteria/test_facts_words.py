"""Words that no table knows in patients written by hand: told with the place and the nearest spelling, never quoted."""

from typing import Any

import msgspec
import pytest

from trialbridge.criteria.facts import PatientFacts
from trialbridge.criteria.facts_words import UnknownWord, unknown_words

HERE = {"resource": "chart"}
ONCOTREE = "http://oncotree.mskcc.org"


def said(**fact: Any) -> list[UnknownWord]:
    document = {"patient": "p", "facts": [{"evidence": HERE, **fact}]}
    return list(unknown_words(msgspec.convert(document, PatientFacts)))


@pytest.mark.parametrize(
    ("fact", "code", "path", "near"),
    [
        ({"kind": "variant", "gene": "EGRF"}, "facts.unknown-gene", "facts[0].gene", "'EGFR'"),
        ({"kind": "copy_number", "gene": "ERBB22"}, "facts.unknown-gene", "facts[0].gene", "'ERBB2'"),
        ({"kind": "fusion", "gene": "ALK", "partner": "EML44"}, "facts.unknown-gene", "facts[0].partner", "'EML4'"),
        ({"kind": "fusion", "gene": "ALKK"}, "facts.unknown-gene", "facts[0].gene", "'ALK'"),
        ({"kind": "coverage", "genes": ["EGFR", "KRASS"]}, "facts.unknown-gene", "facts[0].genes[1]", "'KRAS'"),
        ({"kind": "variant", "gene": "TRK"}, "facts.ambiguous-gene", "facts[0].gene", "'NTRK1'"),
        ({"kind": "therapy", "drugs": ["osimertinb"]}, "facts.unknown-drug", "facts[0].drugs[0]", "'osimertinib'"),
        ({"kind": "diagnosis", "codes": [{"system": ONCOTREE, "code": "LUADD"}]},
            "facts.unknown-term", "facts[0].codes[0]", "'LUAD'"),
        ({"kind": "diagnosis", "codes": [{"text": "lung adenocarcnoma"}]},
            "facts.unknown-term", "facts[0].codes[0]", "'Lung Adenocarcinoma'"),
    ],
)  # fmt: skip
def test_an_unknown_word_is_told_with_the_nearest_one(fact: dict[str, Any], code: str, path: str, near: str) -> None:
    (one,) = said(**fact)
    assert (one.code, one.path) == (code, path)
    assert near in one.message


@pytest.mark.parametrize(
    "fact",
    [
        {"kind": "variant", "gene": "HER2"},
        {"kind": "fusion", "gene": "ALK", "partner": "intergenic"},
        {"kind": "therapy", "drugs": ["Imatinib Mesylate", "trastuzumab-dkst"]},
        {"kind": "diagnosis", "codes": [{"text": "some growth"}, {"system": ONCOTREE, "code": "luad"}]},
        {"kind": "condition", "codes": [{"text": "zzz"}]},
    ],
)
def test_what_a_table_knows_is_not_told(fact: dict[str, Any]) -> None:
    assert said(**fact) == []


def test_the_word_itself_is_not_repeated() -> None:
    found = [
        *said(kind="variant", gene="Jane Roe"),
        *said(kind="therapy", drugs=["Jane Roe"]),
        *said(kind="diagnosis", codes=[{"text": "Jane Roe"}]),
    ]
    assert len(found) == 3
    assert not any("Jane" in one.message for one in found)
