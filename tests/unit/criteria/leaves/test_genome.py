"""Variants, copy numbers, fusions, wild type, tested: met, not met, and each way to be unknown."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from trialbridge.criteria import facts as f

Answer = Callable[..., str]
HERE = f.Evidence(resource="Observation/1")


def variant(change: str | None = None, gene: str = "BRAF", **more: Any) -> f.Variant:
    return f.Variant(evidence=HERE, gene=gene, protein_change=change, **more)


def panel(*genes: str, source: Any = "somatic", sees: tuple[Any, ...] = ("mutation",)) -> f.Coverage:
    return f.Coverage(evidence=HERE, genes=genes, source_class=source, alterations=sees)


V600E, WHOLE = variant("p.V600E"), panel("BRAF")


@pytest.mark.parametrize(
    ("leaf", "facts", "expected"),
    [
        ("", [V600E], "met!"),
        ("", [variant()], "met!"),
        ("", [variant(source_class="germline")], "met!"),
        ("", [WHOLE], "not_met!"),
        ("", [panel("EGFR", "braf", source="unknown")], "not_met!"),
        ("", [variant(present=False)], "not_met!"),
        ("", [variant("p.V600="), WHOLE], "not_met!"),
        ("", [variant("p.G12R", significance="Likely benign"), WHOLE], "not_met!"),
        ("protein_change: p.V600E", [variant("p.Val600Glu")], "met!"),
        ("protein_change: p.V600E", [variant("p.V600K")], "not_met!"),
        ("protein_change: p.V600E", [variant("p.V600E", present=False)], "not_met!"),
        ("protein_change: p.V600=", [variant("p.V600=")], "met!"),
        ("position: p.V600", [variant("p.V600K")], "met!"),
        ("position: p.V600", [variant("p.V600*")], "not_met!"),
        ("codons: [600, 601]", [variant("p.V600_K601delinsE")], "met!"),
        ("codons: [600, 600]", [variant("p.V600_K601delinsE")], "not_met!"),
        ("codons: [600, 600]", [variant("amplified")], "not_met!"),
        ("coding_change: c.1799T>A", [variant(coding_change="NM_004333.4:c.1799T>A")], "met!"),
        ("coding_change: c.1799T>A", [variant(coding_change="c.1798G>A")], "not_met!"),
        ("exon: 15", [variant(exon="exon 15")], "met!"),
        ("exon: 15", [variant(exon="11/18")], "not_met!"),
        ("effects: [Missense_Mutation]", [variant(effect="missense_variant")], "met!"),
        ("effects: [Missense_Mutation]", [V600E], "met!"),
        ("effects: [Missense_Mutation]", [variant(effect="stop_gained")], "not_met!"),
        ("source: somatic", [variant(source_class="somatic")], "met!"),
        ("source: germline", [variant(source_class="somatic"), panel("BRAF", source="germline")], "not_met!"),
        ("min_allele_fraction: 0.05", [variant(allele_fraction=Decimal("0.05"))], "met!"),
        ("min_allele_fraction: 0.05", [variant(allele_fraction=Decimal("0.049"))], "not_met!"),
        ("max_allele_fraction: 0.05", [variant(allele_fraction=Decimal("0.05"))], "met!"),
        ("max_allele_fraction: 0.05", [variant(allele_fraction=Decimal("0.051"))], "not_met!"),
        ("oncogenic: true", [variant(oncogenic=True)], "met!"),
        ("oncogenic: true", [variant(oncogenic=False)], "not_met!"),
        ("significance: [pathogenic]", [variant(significance="Pathogenic")], "met!"),
        ("significance: [pathogenic]", [variant(significance="benign")], "not_met!"),
        ("tiers: [I]", [variant(tier="I")], "met!"),
        ("tiers: [I]", [variant(tier="III")], "not_met!"),
        ("function: activating", [variant(molecular_function="activating")], "met!"),
        ("function: activating", [variant(molecular_function="inactivating")], "not_met!"),
        # No test covers the gene: none at all, of other genes, of other alterations, of the other tissue.
        ("", [], "unknown"),
        ("", [panel("EGFR")], "unknown"),
        ("", [panel("BRAF", sees=("fusion",))], "unknown"),
        ("", [panel("BRAF", source="germline")], "unknown"),
        ("", [variant(present=False, source_class="germline")], "unknown"),
        ("source: germline", [WHOLE], "unknown"),
        ("source: germline", [variant(source_class="somatic")], "unknown"),
        ("", [variant("p.V600=")], "unknown"),
        ("", [variant(significance="benign")], "unknown"),
        # What was ruled out is not what is asked for.
        ("", [variant("p.V600E", present=False)], "unknown"),
        ("protein_change: p.V600E", [variant("p.V600K", present=False)], "unknown"),
        ("protein_change: [p.V600E, p.V600K]", [variant("p.V600E", present=False)], "unknown"),
        # The variant is there, without what is asked.
        ("protein_change: p.V600E", [variant()], "unknown"),
        ("position: p.V600", [variant()], "unknown"),
        ("codons: [1, 2]", [variant()], "unknown"),
        ("coding_change: c.1799T>A", [V600E], "unknown"),
        ("exon: 15", [V600E], "unknown"),
        ("exon: 15", [variant(exon="n/a")], "unknown"),
        ("effects: [Missense_Mutation]", [variant()], "unknown"),
        ("effects: [Missense_Mutation]", [variant(effect="odd")], "unknown"),
        ("effects: [Frame_Shift_Del]", [variant(effect="frameshift_variant")], "unknown"),
        ("source: somatic", [V600E], "unknown"),
        ("min_allele_fraction: 0.05", [V600E], "unknown"),
        ("max_allele_fraction: 0.05", [V600E], "unknown"),
        ("min_allele_fraction: 0.05", [variant(allele_fraction=Decimal("NaN"))], "unknown"),
        ("oncogenic: true", [V600E], "unknown"),
        ("significance: [pathogenic]", [V600E], "unknown"),
        ("tiers: [I]", [V600E], "unknown"),
        ("function: activating", [V600E], "unknown"),
        # All must hold for one and the same variant.
        ("protein_change: p.V600E, oncogenic: true", [variant("p.V600E", oncogenic=False), variant("p.G12R", oncogenic=True)], "not_met!"),
    ],
)  # fmt: skip
def test_variant(answer: Answer, leaf: str, facts: list[Any], expected: str) -> None:
    assert answer(f"variant: {{gene: BRAF{', ' if leaf else ''}{leaf}}}", *facts) == expected


@pytest.mark.parametrize(
    ("facts", "wild", "tested"),
    [
        ([WHOLE], "met!", "met!"),
        ([variant(present=False)], "met!", "met!"),
        ([variant("p.V600="), WHOLE], "met!", "met!"),
        ([V600E], "not_met!", "met!"),
        ([variant(source_class="germline")], "not_met!", "unknown"),
        ([variant("p.V600E", present=False)], "unknown", "met!"),
        ([], "unknown", "unknown"),
        ([panel("EGFR")], "unknown", "unknown"),
        ([panel("BRAF", sees=("fusion", "copy_number"))], "unknown", "unknown"),
        ([panel("BRAF", source="germline")], "unknown", "unknown"),
        ([variant(present=False, source_class="germline")], "unknown", "unknown"),
        ([variant("p.V600E", gene="KRAS")], "unknown", "unknown"),
    ],
)
def test_wild_type_and_tested(answer: Answer, facts: list[Any], wild: str, tested: str) -> None:
    assert answer("wild_type: {gene: BRAF}", *facts) == wild
    assert answer("tested: {gene: BRAF}", *facts) == tested


def copies(call: Any = None, count: str | None = None, **more: Any) -> f.CopyNumber:
    number = None if count is None else Decimal(count)
    return f.CopyNumber(evidence=HERE, gene="HER2", call=call, copies=number, **more)


LOOKED = panel("ERBB2", sees=("copy_number",))


@pytest.mark.parametrize(
    ("leaf", "facts", "expected"),
    [
        ("", [copies("gain")], "met!"),
        ("", [copies("neutral")], "not_met!"),
        ("", [LOOKED], "not_met!"),
        ("", [copies(present=False)], "not_met!"),
        ("calls: [amplification]", [copies("high_amplification")], "met!"),
        ("calls: [amplification]", [copies("deletion")], "not_met!"),
        ("calls: [high_amplification]", [copies("high_amplification", present=False)], "not_met!"),
        ("calls: [high_amplification]", [copies("amplification", present=False)], "not_met!"),
        ("min_copies: 6", [copies(count="6")], "met!"),
        ("min_copies: 6", [copies(count="5.9")], "not_met!"),
        ("calls: [amplification], max_copies: 6", [copies("amplification", "8")], "not_met!"),
        # A gene that was looked at and has no alteration is neutral.
        ("calls: [neutral]", [LOOKED], "met!"),
        ("calls: [neutral]", [copies(present=False)], "met!"),
        ("calls: [neutral]", [copies("gain"), LOOKED], "not_met!"),
        ("calls: [neutral], max_copies: 2", [LOOKED], "unknown"),
        ("calls: [neutral]", [], "unknown"),
        ("", [], "unknown"),
        ("", [panel("ERBB2")], "unknown"),
        ("", [panel("EGFR", sees=("copy_number",))], "unknown"),
        ("", [copies()], "unknown"),
        ("calls: [high_amplification]", [copies("amplification")], "unknown"),
        ("calls: [amplification]", [copies("high_amplification", present=False)], "unknown"),
        ("min_copies: 6", [copies("amplification")], "unknown"),
        ("min_copies: 6", [copies("amplification", "Infinity")], "unknown"),
    ],
)
def test_copy_number(answer: Answer, leaf: str, facts: list[Any], expected: str) -> None:
    assert answer(f"copy_number: {{gene: ERBB2{', ' if leaf else ''}{leaf}}}", *facts) == expected


def joined(gene: str = "ALK", partner: str | None = None, **more: Any) -> f.Fusion:
    return f.Fusion(evidence=HERE, gene=gene, partner=partner, **more)


SEEN = panel("ALK", sees=("fusion",))


@pytest.mark.parametrize(
    ("leaf", "facts", "expected"),
    [
        ("", [joined("EML4", "ALK")], "met!"),
        ("", [joined()], "met!"),
        ("partner: EML4", [joined("EML4", "ALK")], "met!"),
        ("partner: EML4", [joined("ALK", "KIF5B")], "not_met!"),
        ("", [SEEN], "not_met!"),
        ("", [joined(present=False)], "not_met!"),
        ("partner: EML4", [joined("ALK", "EML4", present=False)], "not_met!"),
        ("type: structural_variant", [joined()], "met!"),
        ("type: structural_variant", [joined(kind_of="structural_variant")], "met!"),
        (
            "type: fusion, partner: EML4",
            [joined("ALK", "EML4", present=False, kind_of="structural_variant")],
            "not_met!",
        ),
        ("", [], "unknown"),
        ("", [panel("ALK")], "unknown"),
        ("", [joined("RET", "KIF5B")], "unknown"),
        ("", [joined("ALK", "EML4", present=False)], "unknown"),
        ("partner: EML4", [joined()], "unknown"),
        ("partner: EML4", [joined("ALK", "KIF5B", present=False)], "unknown"),
        ("type: fusion", [joined(kind_of="structural_variant")], "unknown"),
    ],
)
def test_fusion(answer: Answer, leaf: str, facts: list[Any], expected: str) -> None:
    assert answer(f"fusion: {{gene: ALK{', ' if leaf else ''}{leaf}}}", *facts) == expected


@pytest.mark.parametrize(
    ("alteration", "fact"),
    [("copy_number", copies("neutral")), ("copy_number", LOOKED), ("fusion", joined("EML4", "HER2")), ("fusion", joined("ERBB2"))],
)  # fmt: skip
def test_tested_for_other_alterations(answer: Answer, alteration: str, fact: Any) -> None:
    assert answer(f"tested: {{gene: ERBB2, alteration: {alteration}}}", fact) == "met!"
    assert answer("tested: {gene: ERBB2}", fact) == "unknown"
    assert answer(f"tested: {{gene: EGFR, alteration: {alteration}}}", fact) == "unknown"
