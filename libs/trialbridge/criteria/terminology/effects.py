"""Effects of small variants: MAF classifications and Sequence Ontology terms, as sets of the elementary classes that they may be."""

from functools import lru_cache
from typing import Final

_FRAMESHIFT: Final = frozenset({"frameshift_del", "frameshift_ins"})
_INFRAME: Final = frozenset({"inframe_del", "inframe_ins"})
_ALTERING: Final = _FRAMESHIFT | _INFRAME | {"missense", "nonsense", "start_lost", "stop_lost"}
_CLASSES: Final[dict[str, frozenset[str]]] = {
    "missense_mutation": frozenset({"missense"}),
    "missense_variant": frozenset({"missense"}),
    "missense": frozenset({"missense"}),
    "nonsense_mutation": frozenset({"nonsense"}),
    "stop_gained": frozenset({"nonsense"}),
    "nonsense": frozenset({"nonsense"}),
    "frame_shift_del": frozenset({"frameshift_del"}),
    "frame_shift_ins": frozenset({"frameshift_ins"}),
    "frameshift_variant": _FRAMESHIFT,
    "frameshift": _FRAMESHIFT,
    "in_frame_del": frozenset({"inframe_del"}),
    "inframe_deletion": frozenset({"inframe_del"}),
    "in_frame_ins": frozenset({"inframe_ins"}),
    "inframe_insertion": frozenset({"inframe_ins"}),
    "inframe_indel": _INFRAME,
    "splice_site": frozenset({"splice_site"}),
    "splice_acceptor_variant": frozenset({"splice_site"}),
    "splice_donor_variant": frozenset({"splice_site"}),
    "splice_region": frozenset({"splice_region"}),
    "splice_region_variant": frozenset({"splice_region"}),
    "translation_start_site": frozenset({"start_lost"}),
    "start_lost": frozenset({"start_lost"}),
    "nonstop_mutation": frozenset({"stop_lost"}),
    "stop_lost": frozenset({"stop_lost"}),
    "silent": frozenset({"silent"}),
    "synonymous_variant": frozenset({"silent"}),
    "intron": frozenset({"intron"}),
    "intron_variant": frozenset({"intron"}),
    "5'utr": frozenset({"utr5"}),
    "5_prime_utr_variant": frozenset({"utr5"}),
    "5'flank": frozenset({"upstream"}),
    "upstream_gene_variant": frozenset({"upstream"}),
    "3'utr": frozenset({"utr3"}),
    "3_prime_utr_variant": frozenset({"utr3"}),
    "3'flank": frozenset({"downstream"}),
    "downstream_gene_variant": frozenset({"downstream"}),
    "igr": frozenset({"intergenic"}),
    "intergenic_variant": frozenset({"intergenic"}),
    "rna": frozenset({"rna"}),
    "non_coding_transcript_exon_variant": frozenset({"rna"}),
    "targeted_region": frozenset({"targeted"}),
    "de_novo_start_inframe": frozenset({"start_gained"}),
    "de_novo_start_outofframe": frozenset({"start_gained"}),
    "protein_altering_variant": _ALTERING,
    "coding_sequence_variant": _ALTERING | {"silent"},
    # Other words for the same in tools that curate trials.
    "de_novo_start_in_frame": frozenset({"start_gained"}),
    "de_novo_start_out_of_frame": frozenset({"start_gained"}),
    "protein_altering": _ALTERING,
    "coding_sequence": _ALTERING | {"silent"},
    "stop_retained": frozenset({"silent"}),
    "synonymous": frozenset({"silent"}),
    "del_ins": _INFRAME,
    "frameshift_mutation": _FRAMESHIFT,
    "initiator_codon": frozenset({"start_lost"}),
    "intron_mutation": frozenset({"intron"}),
    "missense_and_splice_region": frozenset({"missense", "splice_region"}),
    "splice_acceptor": frozenset({"splice_site"}),
    "splice_donor": frozenset({"splice_site"}),
    "splice_lost": frozenset({"splice_site"}),
    "splice_site_mutation": frozenset({"splice_site"}),
    "3_prime_utr": frozenset({"utr3"}),
    "5_prime_utr": frozenset({"utr5"}),
    "5'utr_mutation": frozenset({"utr5"}),
}
_SPELLING: Final = {
    "missense_mutation": "Missense_Mutation",
    "nonsense_mutation": "Nonsense_Mutation",
    "frame_shift_del": "Frame_Shift_Del",
    "frame_shift_ins": "Frame_Shift_Ins",
    "in_frame_del": "In_Frame_Del",
    "in_frame_ins": "In_Frame_Ins",
    "splice_site": "Splice_Site",
    "splice_region": "Splice_Region",
    "translation_start_site": "Translation_Start_Site",
    "nonstop_mutation": "Nonstop_Mutation",
    "silent": "Silent",
    "intron": "Intron",
    "5'utr": "5'UTR",
    "5'flank": "5'Flank",
    "3'utr": "3'UTR",
    "3'flank": "3'Flank",
    "igr": "IGR",
    "rna": "RNA",
    "targeted_region": "Targeted_Region",
    "de_novo_start_inframe": "De_novo_Start_InFrame",
    "de_novo_start_outofframe": "De_novo_Start_OutOfFrame",
}


def _key(text: str) -> str:
    return "_".join(text.replace("-", " ").replace("_", " ").split()).casefold()


def known() -> tuple[str, ...]:
    """Return every term of the table."""
    return tuple(_SPELLING.get(word, word) for word in _CLASSES)


def standard(text: str) -> str:
    """Return a known term in its usual spelling."""
    return _SPELLING.get(_key(text), _key(text))


@lru_cache(maxsize=4096)
def classes(text: str) -> frozenset[str] | None:
    """Return the elementary classes that a term may mean, or None where it is not known."""
    return _CLASSES.get(_key(text))
