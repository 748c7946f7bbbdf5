"""Leaves of the criteria language about the tumour's genome: single genes and genome-wide signatures."""

from decimal import Decimal
from typing import Literal

from trialbridge.criteria.language_base import CopyCall, Node, Period, Pick


class Variant(Node, frozen=True, kw_only=True, tag="variant"):
    """A small variant of a gene; what is given is ANDed, a list takes any of it, all must hold for one and the same variant.

    Fails only where the gene was looked at (coverage, a reported negative, another reported change of the gene) in the tissue
    asked for; benign and synonymous variants count only when named.
    """

    gene: str
    protein_change: tuple[str, ...] = ()
    """Exactly such a change, any HGVS spelling."""
    position: tuple[str, ...] = ()
    """``p.V600``: any single amino acid substitution there."""
    codons: tuple[int, int] | None = None
    """First and last residue: the change lies wholly inside."""
    coding_change: tuple[str, ...] = ()
    exon: tuple[str, ...] = ()
    effects: tuple[str, ...] = ()
    """MAF variant classifications or Sequence Ontology terms."""
    source: Literal["germline", "somatic"] | None = None
    min_allele_fraction: Decimal | None = None
    max_allele_fraction: Decimal | None = None
    """From 0 to 1; unknown where the report gives none."""
    oncogenic: bool | None = None
    significance: tuple[str, ...] = ()
    tiers: tuple[Literal["I", "II", "III", "IV"], ...] = ()
    """Tier of clinical significance (AMP/ASCO/CAP); unknown where the report gives none."""
    function: Literal["activating", "inactivating"] | None = None


class CopyNumber(Node, frozen=True, kw_only=True, tag="copy_number"):
    """A copy number alteration of a gene; ``amplification`` takes high and low, ``deletion`` takes both deletions.

    A gene that was looked at and has no alteration is ``neutral``.
    """

    gene: str
    calls: tuple[CopyCall, ...] = ()
    min_copies: Decimal | None = None
    max_copies: Decimal | None = None


class Fusion(Node, frozen=True, kw_only=True, tag="fusion"):
    """A fusion (or other structural variant) with the gene on either side; no ``partner`` means any partner, known or not.

    ``partner: intergenic`` wants a partner that the record calls so; a gene is another partner, none recorded leaves it unknown.
    """

    gene: str
    partner: str | None = None
    type: Literal["any", "fusion", "structural_variant"] = "any"


class WildType(Node, frozen=True, kw_only=True, tag="wild_type"):
    """The gene was looked at and no variant was found; a gene no test covers is unknown, never wild type."""

    gene: str


class Tested(Node, frozen=True, kw_only=True, tag="tested"):
    """The gene was looked at for this kind of alteration; without a test that says so it is unknown."""

    gene: str
    alteration: Literal["copy_number", "fusion", "mutation"] = "mutation"


class Signature(Node, frozen=True, kw_only=True, tag="signature"):
    """The newest genome-wide biomarker; TMB bounds are mutations per megabase and compared in that unit only.

    Stains of MLH1, MSH2, MSH6 and PMS2 that are all retained on one day are a proficient mismatch repair.

    With ``assays``, results by another assay do not count, and one whose assay is not recorded leaves it unknown.
    """

    name: Literal["apobec", "hrd", "mmr", "msi", "pole", "temozolomide", "tmb", "tobacco", "uv"]
    any_of: tuple[str, ...] = ()
    min: Decimal | None = None
    max: Decimal | None = None
    above: Decimal | None = None
    below: Decimal | None = None
    unit: str | None = None
    assays: tuple[str, ...] = ()
    """Words of the assay's name, letter case ignored."""
    pick: Pick = "most_recent"
    within: Period | None = None
