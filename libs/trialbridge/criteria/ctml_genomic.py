"""Genomic leaves of CTML to the native surface form."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from trialbridge.criteria.diagnostics import Problems
from trialbridge.criteria.terminology.nearest import hint

_ANY_GENE: Final = {"any_gene", "any gene", "intergenic", "none", ""}
_CALLS: Final = {
    "high amplification": "high_amplification",
    "low amplification": "low_amplification",
    "gain": "gain",
    "homozygous deletion": "homozygous_deletion",
    "heterozygous deletion": "heterozygous_deletion",
}
_CATEGORIES: Final = {
    "mutation": "mutation",
    "copy number variation": "cnv",
    "cnv": "cnv",
    "structural variation": "sv",
    "sv": "sv",
    "any variation": "any",
    "signature": "signature",
    "wt": "wt",
}
_MS: Final = {"msi-h": ("msi", "high"), "msi-l": ("msi", "low"), "mss": ("msi", "stable")}
_MMR: Final = {"mmr-proficient": ("mmr", "proficient"), "mmr-deficient": ("mmr", "deficient")}
_SIGNATURES: Final = {
    "apobec": "apobec",
    "pole": "pole",
    "tobacco": "tobacco",
    "temozolomide": "temozolomide",
    "uva": "uv",
}
_VARIANT_KEYS: Final = {"protein_change", "wildcard_protein_change", "variant_classification", "exon", "true_transcript_exon",
                        "molecular_function", "allele_fraction", "germline"}  # fmt: skip
_KEYS: Final = _VARIANT_KEYS | {
    "hugo_symbol", "variant_category", "cnv_call", "fusion_partner_hugo_symbol", "wildtype", "mmr_status", "ms_status",
    *(f"{name}_{end}" for name in _SIGNATURES for end in ("signature", "status")),
}  # fmt: skip


def genomic(leaf: Mapping[str, Any], path: str, problems: Problems) -> dict[str, Any] | None:
    """Return the native criterion; one ``!`` anywhere makes the whole leaf an exclusion."""
    negated = False
    given: dict[str, Any] = {}
    for key, value in leaf.items():
        if key not in _KEYS:
            problems.error("unknown-key", f"{path}.{key}", "This genomic key is not read.", hint(str(key), _KEYS))
            continue
        text = value
        if isinstance(value, str) and value.strip().startswith("!"):
            negated, text = True, value.strip().lstrip("!").strip()
        given[key] = text
    native = _positive(given, path, problems)
    return {"not": native} if negated and native else native


def _positive(given: Mapping[str, Any], path: str, problems: Problems) -> dict[str, Any] | None:
    signature = _signature(given, path, problems)
    if signature is not None:
        return signature
    word = str(given.get("variant_category", "")).casefold()
    category = _CATEGORIES.get(word)
    if _true(given.get("wildtype")):
        category = "wt"
    if category is None:
        problems.error(
            "bad-value",
            f"{path}.variant_category",
            "Say the category of the variant.",
            hint(word, _CATEGORIES) if word else "",
        )
        return None
    gene = str(given.get("hugo_symbol") or "")
    if gene.casefold() in _ANY_GENE:
        problems.error("bad-value", f"{path}.hugo_symbol", "Name the gene.")
        return None
    return _BUILD[category](gene, given, path, problems)


def _true(value: Any) -> bool:
    return value is True or str(value).casefold() in {"true", "yes", "y"}


def _signature(given: Mapping[str, Any], path: str, problems: Problems) -> dict[str, Any] | None:
    found: list[dict[str, Any]] = []
    for key, table in (("ms_status", _MS), ("mmr_status", _MMR)):
        if key in given:
            word = str(given[key]).split(" (")[0].casefold()
            if word not in table:
                problems.error("bad-value", f"{path}.{key}", "There is no such status.", hint(word, table))
                continue
            name, status = table[word]
            found.append({"signature": {"name": name, "any_of": [status]}})
    for word, name in _SIGNATURES.items():
        for key in (f"{word}_signature", f"{word}_status"):
            if key in given:
                status = "absent" if str(given[key]).casefold() in {"no", "false", "absent"} else "present"
                found.append({"signature": {"name": name, "any_of": [status]}})
    return None if not found else found[0] if len(found) == 1 else {"all": found}


def _variant(gene: str, given: Mapping[str, Any], _path: str, _problems: Problems) -> dict[str, Any]:
    leaf: dict[str, Any] = {"gene": gene}
    names = {
        "protein_change": "protein_change",
        "wildcard_protein_change": "position",
        "exon": "exon",
        "true_transcript_exon": "exon",
    }
    for key, name in names.items():
        if given.get(key) is not None:
            leaf[name] = str(given[key])
    if given.get("variant_classification"):
        value = given["variant_classification"]
        leaf["effects"] = value if isinstance(value, list) else [str(value)]
    if given.get("molecular_function"):
        leaf["function"] = str(given["molecular_function"]).casefold()
    if given.get("allele_fraction") is not None:
        leaf["min_allele_fraction"] = str(given["allele_fraction"]).lstrip(">=")
    if given.get("germline") is not None:
        leaf["source"] = "germline" if _true(given["germline"]) else "somatic"
    return {"variant": leaf}


def _copy_number(gene: str, given: Mapping[str, Any], path: str, problems: Problems) -> dict[str, Any]:
    value = given.get("cnv_call")
    words = [] if value is None else value if isinstance(value, list) else [value]
    calls = []
    for word in words:
        call = _CALLS.get(str(word).casefold())
        if call is None:
            problems.error("bad-value", f"{path}.cnv_call", "There is no such call.", hint(str(word), _CALLS))
        else:
            calls.append(call)
    return {"copy_number": {"gene": gene, **({"calls": calls} if calls else {})}}


def _fusion(gene: str, given: Mapping[str, Any], _path: str, _problems: Problems) -> dict[str, Any]:
    partner = str(given.get("fusion_partner_hugo_symbol") or "")
    named = {} if partner.casefold() in _ANY_GENE else {"partner": partner}
    return {"fusion": {"gene": gene, "type": "any", **named}}


def _any(gene: str, given: Mapping[str, Any], path: str, problems: Problems) -> dict[str, Any]:
    return {"any": [build(gene, given, path, problems) for build in (_variant, _copy_number, _fusion)]}


def _wild_type(gene: str, _given: Mapping[str, Any], _path: str, _problems: Problems) -> dict[str, Any]:
    return {"wild_type": {"gene": gene}}


def _no_signature(_gene: str, _given: Mapping[str, Any], path: str, problems: Problems) -> dict[str, Any]:
    problems.error("bad-value", path, "A signature leaf needs ms_status, mmr_status or a signature key.")
    return {}


_BUILD: Final[Mapping[str, Callable[[str, Mapping[str, Any], str, Problems], dict[str, Any]]]] = {
    "mutation": _variant,
    "cnv": _copy_number,
    "sv": _fusion,
    "any": _any,
    "wt": _wild_type,
    "signature": _no_signature,
}
