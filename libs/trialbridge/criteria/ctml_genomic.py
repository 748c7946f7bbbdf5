"""Genomic leaves of CTML to native criteria; one ``!`` anywhere turns the whole leaf into an exclusion."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from trialbridge.criteria import hgvs
from trialbridge.criteria.ctml_clinical import compared
from trialbridge.criteria.ctml_reading import Node, Reading, Said, chosen, flag_of, said_of, text_of, words_of
from trialbridge.criteria.genomic_checks import INTERGENIC

ANY_GENE: Final = frozenset({"any_gene", "any gene", "any"})
_NO_GENE: Final = frozenset({"", "none", "null"})
CALLS: Final = {
    "high amplification": "high_amplification",
    "high level amplification": "high_amplification",
    "low amplification": "low_amplification",
    "low level amplification": "low_amplification",
    "gain": "gain",
    "homozygous deletion": "homozygous_deletion",
    "heterozygous deletion": "heterozygous_deletion",
}
CATEGORIES: Final = {
    "mutation": "variant",
    "copy number variation": "copy_number",
    "cnv": "copy_number",
    "structural variation": "fusion",
    "sv": "fusion",
    "any variation": "any",
    "any": "any",
    "signature": "signature",
    "wt": "wild_type",
    "wildtype": "wild_type",
    "not mutated": "wild_type",
}
STABILITY: Final = {"msi-h": "high", "msi-l": "low", "mss": "stable"}
REPAIR: Final = {"mmr-proficient": "proficient", "mmr-deficient": "deficient"}
SIGNATURES: Final = {
    "apobec": "apobec",
    "pole": "pole",
    "tobacco": "tobacco",
    "temozolomide": "temozolomide",
    "uva": "uv",
}
_PRESENT: Final = {"yes": "present", "true": "present", "no": "absent", "false": "absent"}
_SIGNATURE_KEYS: Final = (
    "ms_status",
    "mmr_status",
    *(f"{name}_{end}" for name in SIGNATURES for end in ("signature", "status")),
)
_FITS: Final = {
    "protein_change": ("variant",),
    "wildcard_protein_change": ("variant",),
    "variant_classification": ("variant",),
    "exon": ("variant",),
    "true_transcript_exon": ("variant",),
    "molecular_function": ("variant",),
    "tier": ("variant",),
    "allele_fraction": ("variant",),
    "germline": ("variant",),
    "cnv_call": ("copy_number",),
    "fusion_partner_hugo_symbol": ("fusion",),
}  # fmt: skip
"""Which kinds of alteration a key asks about."""
_LABELS: Final = ("display_name", "matching_examples")
KEYS: Final = (
    "hugo_symbol",
    "variant_category",
    "wildtype",
    "annotated_variant",
    "match_all",
    *_FITS,
    *_SIGNATURE_KEYS,
    *_LABELS,
)
_EXON_CHANGE: Final = re.compile(r"exon (\d+) (in-?frame )?(deletion|insertion)s?(?: mutations?)?", re.IGNORECASE)
_TRUNCATING: Final = ("Nonsense_Mutation", "Frame_Shift_Del", "Frame_Shift_Ins", "Splice_Site")


def genomic(given: Any, path: str, reading: Reading) -> list[Node]:
    """Return the criterion of a genomic leaf."""
    before = len(reading.problems.found)
    found = said_of(given, path, reading, KEYS, "genomic")
    if reading.refused_since(before):
        return []
    for key in _LABELS:
        if key in found:
            reading.left_out(found[key].path, "A label says nothing about who matches.")
    node = _positive({key: said for key, said in found.items() if key not in _LABELS}, path, reading)
    if reading.refused_since(before):
        return []
    if node is None:
        reading.warn("asks-nothing", path, "This asks for nothing, so nothing is made of it.", "leave the leaf out")
        return []
    return [reading.negation(node, path) if any(said.negated for said in found.values()) else node]


def _positive(found: Mapping[str, Said], path: str, reading: Reading) -> Node | None:
    if "match_all" in found:
        _everyone(found, reading)
        return None
    if any(key in found for key in _SIGNATURE_KEYS):
        return _signatures(found, path, reading)
    kind = "annotated" if "annotated_variant" in found else _kind(found, path, reading)
    if kind is None:
        return None
    gene = _gene(found, kind, path, reading)
    if gene is None:
        return None
    if kind in ("any", "annotated"):
        return (_any if kind == "any" else _annotated)(gene, found, path, reading)
    return _BUILD[kind](gene, found, path, reading) if _only(found, kind, reading) else None


def _everyone(found: Mapping[str, Said], reading: Reading) -> None:
    others = [said for key, said in found.items() if key not in ("match_all", "variant_category")]
    if others or not flag_of(found["match_all"], reading) or found["match_all"].negated:
        reading.error("misplaced-key", found["match_all"].path, "match_all: true stands alone, or not at all.")


def _kind(found: Mapping[str, Said], path: str, reading: Reading) -> str | None:
    category = found.get("variant_category")
    kind: str | None = None
    if category is not None:
        kind = chosen(category, CATEGORIES, "category", reading)
        if kind == "signature":
            reading.error("no-value", path, "A signature leaf needs ms_status, mmr_status or a signature key.")
            return None
    elif not found.keys() & {"wildtype"}:
        reading.error("no-value", f"{path}.variant_category", "Say the category of the variant.", "write Mutation")
    if "wildtype" not in found:
        return kind
    wild = flag_of(found["wildtype"], reading)
    if kind not in (None, "variant", *(("wild_type",) if wild else ())):
        reading.error("misplaced-key", found["wildtype"].path, "This does not go with the category of the variant.")
        return None
    return "wild_type" if wild else "variant"


def _gene(found: Mapping[str, Said], kind: str, path: str, reading: Reading) -> Said | None:
    said = found.get("hugo_symbol", Said("", f"{path}.hugo_symbol"))
    word = text_of(said, reading)
    partner = found.get("fusion_partner_hugo_symbol")
    if word.casefold() in ANY_GENE and kind == "fusion" and partner is not None:
        said, word = partner, text_of(partner, reading)
    if word.casefold() in ANY_GENE | _NO_GENE | {INTERGENIC}:
        reading.error("no-gene", said.path, "Name the gene: any gene at all cannot be asked for.")
        return None
    return Said(word, said.path)


def _only(found: Mapping[str, Said], kind: str, reading: Reading) -> bool:
    """Return whether all keys are about this kind of alteration; notes those that are not."""
    strays = [said for key, said in found.items() if key in _FITS and kind not in _FITS[key]]
    for said in strays:
        word = {"variant": "mutation", "wild_type": "wild type"}.get(kind, kind.replace("_", " "))
        reading.error("misplaced-key", said.path, f"This key says nothing of a {word}.", "give it a leaf of its own")
    return not strays


def _any(gene: Said, found: Mapping[str, Said], path: str, reading: Reading) -> Node | None:
    """Return any alteration; a key that only one kind of alteration has leaves that kind alone."""
    kinds = {kind for key in found if key in _FITS for kind in _FITS[key]}
    if len(kinds) > 1:
        _only(found, "variant", reading)
        return None
    if kinds:
        return _BUILD[kinds.pop()](gene, found, path, reading)
    built = [_BUILD[kind](gene, found, path, reading) for kind in ("variant", "copy_number", "fusion")]
    return reading.group("any", [one for one in built if one is not None], path)


def _signatures(found: Mapping[str, Said], path: str, reading: Reading) -> Node | None:
    nodes: list[Node | None] = []
    names: set[str] = set()
    for key, said in found.items():
        if key in _SIGNATURE_KEYS:
            name, table = _signature(key)
            if name in names:
                reading.error("duplicate-key", said.path, "Another key of this leaf asks for the same signature.")
            names.add(name)
            status = chosen(said, table, "status", reading)
            fields = {"name": Said(name, said.path), "any_of": Said([status], said.path)}
            nodes.append(reading.leaf("signature", said.path, fields) if status else None)
        elif not _belongs(key, said, reading):
            reading.error(
                "misplaced-key", said.path, "This key says nothing of a signature.", "give it a leaf of its own"
            )
    built = [one for one in nodes if one is not None]
    return built[0] if len(built) == 1 else reading.group("all", built, path) if built else None


def _signature(key: str) -> tuple[str, Mapping[str, str]]:
    if key in ("ms_status", "mmr_status"):
        return ("msi", STABILITY) if key == "ms_status" else ("mmr", REPAIR)
    return SIGNATURES[key.rsplit("_", 1)[0]], _PRESENT


def _belongs(key: str, said: Said, reading: Reading) -> bool:
    """Return whether a key may stand beside a signature: its category, or the placeholder for the gene."""
    word = text_of(said, reading).casefold()
    if key == "variant_category":
        return CATEGORIES.get(word) == "signature"
    return key == "hugo_symbol" and word in _NO_GENE


def _variant(gene: Said, found: Mapping[str, Said], path: str, reading: Reading) -> Node | None:
    return reading.leaf("variant", path, {"gene": gene, **_details(found, reading)})


def _details(found: Mapping[str, Said], reading: Reading) -> dict[str, Said]:
    """Return the fields of a variant leaf besides its gene."""
    fields: dict[str, Said] = {}
    for key, name in _LISTS.items():
        if (said := found.get(key)) is not None:
            words = words_of(said, reading)
            if name in fields and fields[name].value != words:
                reading.error("duplicate-key", said.path, "Two keys of this leaf name the exon; they differ.")
            elif name in fields:
                reading.left_out(said.path, "Another key of this leaf says the same.")
            fields[name] = Said(words, said.path)
    for key, name, table in (("molecular_function", "function", _FUNCTIONS), ("germline", "source", _SOURCES)):
        if (said := found.get(key)) is not None and (word := chosen(said, table, "word", reading)):
            fields[name] = Said(word, said.path)
    if (said := found.get("tier")) is not None:
        tiers = [chosen(Said(word, said.path), _TIERS, "tier", reading) for word in words_of(said, reading)]
        fields["tiers"] = Said([tier for tier in tiers if tier], said.path)
    if (said := found.get("allele_fraction")) is not None:
        fields.update(_fraction(said, reading))
    return fields


_LISTS: Final = {
    "protein_change": "protein_change",
    "wildcard_protein_change": "position",
    "variant_classification": "effects",
    "exon": "exon",
    "true_transcript_exon": "exon",
}
_FUNCTIONS: Final = {"activating": "activating", "inactivating": "inactivating"}
_SOURCES: Final = {
    "true": "germline", "yes": "germline", "germline": "germline", "false": "somatic", "no": "somatic", "somatic": "somatic",
}  # fmt: skip
_TIERS: Final = {"1": "I", "2": "II", "3": "III", "4": "IV", "i": "I", "ii": "II", "iii": "III", "iv": "IV"}


def _fraction(said: Said, reading: Reading) -> dict[str, Said]:
    found = compared(said, reading)
    if found is None:
        return {}
    if found[0] in ("<", ">"):
        reading.error("bad-comparison", said.path, "A bound of the allele fraction is inclusive.", "write >= or <=")
        return {}
    # A number alone is what the reports must reach.
    name = "max_allele_fraction" if found[0] == "<=" else "min_allele_fraction"
    return {name: Said(str(Decimal(found[1])), said.path)}


def _copy_number(gene: Said, found: Mapping[str, Said], path: str, reading: Reading) -> Node | None:
    said = found.get("cnv_call")
    if said is None:
        return reading.leaf("copy_number", path, {"gene": gene})
    words = [word.replace("_", " ") for word in words_of(said, reading)]
    calls = [chosen(Said(word, said.path), CALLS, "call", reading) for word in words]
    fields = {"gene": gene, "calls": Said([call for call in calls if call], said.path)}
    return reading.leaf("copy_number", path, fields)


def _fusion(gene: Said, found: Mapping[str, Said], path: str, reading: Reading) -> Node | None:
    partner = found.get("fusion_partner_hugo_symbol")
    fields = {"gene": gene}
    if partner is not None and partner.path != gene.path:
        word = text_of(partner, reading)
        if word.casefold() not in ANY_GENE | _NO_GENE:
            fields["partner"] = Said(INTERGENIC if word.casefold() == INTERGENIC else word, partner.path)
    return reading.leaf("fusion", path, fields)


def _wild_type(gene: Said, _found: Mapping[str, Said], path: str, reading: Reading) -> Node | None:
    return reading.leaf("wild_type", path, {"gene": gene})


def _annotated(gene: Said, found: Mapping[str, Said], path: str, reading: Reading) -> Node | None:
    """Return what a curated variant name means: ``Oncogenic Mutations``, ``Amplification``, ``Fusions``, ``V600E``."""
    said = found["annotated_variant"]
    word = text_of(said, reading)
    kind, fields = _named(word, gene)
    if kind == "":
        advice = "write protein_change, or Oncogenic Mutations, Amplification, Deletion, Fusions"
        reading.error("unknown-word", said.path, f"The variant {word!r} is not understood.", advice)
        return None
    category = found.get("variant_category")
    fits = category is None or chosen(category, CATEGORIES, "category", reading) in (kind, "any", None)
    details = _details(found, reading) if _only(found, kind, reading) else {}
    if not fits or "wildtype" in found or set(details) & set(fields):
        reading.error("misplaced-key", said.path, f"{word!r} does not go with the other keys of this leaf.")
        return None
    made = {name: Said(value, said.path) for name, value in fields.items()}
    return reading.leaf(kind, path, {"gene": gene, **made, **details})


def _named(word: str, gene: Said) -> tuple[str, dict[str, Any]]:
    plain = word.casefold().removesuffix("s")
    if plain in _PLAIN:
        return _PLAIN[plain]
    if found := _EXON_CHANGE.fullmatch(word):
        effect = "In_Frame_Del" if found[3].casefold() == "deletion" else "In_Frame_Ins"
        return "variant", {"exon": [found[1]], "effects": [effect]}
    if plain.endswith(" fusion"):
        return _named_fusion(word[: -len(" fusion")].strip(), gene.value.casefold())
    if hgvs.position(word):
        return "variant", {"position": [word]}
    return ("variant", {"protein_change": [word]}) if hgvs.normal(word) else ("", {})


def _named_fusion(text: str, gene: str) -> tuple[str, dict[str, Any]]:
    """Return a fusion named by its genes, joined by ``::`` or, where no gene's name has one itself, by a hyphen."""
    sides = [side for side in text.split("::" if "::" in text else "-") if side.casefold() != gene]
    return ("fusion", {"type": "fusion", "partner": sides[0]}) if len(sides) == 1 else ("", {})


_PLAIN: Final[Mapping[str, tuple[str, dict[str, Any]]]] = {
    "oncogenic mutation": ("variant", {"oncogenic": True}),
    "truncating mutation": ("variant", {"effects": list(_TRUNCATING)}),
    "amplification": ("copy_number", {"calls": ["amplification"]}),
    "deletion": ("copy_number", {"calls": ["deletion"]}),
    "fusion": ("fusion", {"type": "fusion"}),
}
_BUILD: Final[Mapping[str, Callable[[Said, Mapping[str, Said], str, Reading], Node | None]]] = {
    "variant": _variant,
    "copy_number": _copy_number,
    "fusion": _fusion,
    "wild_type": _wild_type,
}
