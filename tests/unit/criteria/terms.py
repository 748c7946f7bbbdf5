"""Small files in the official forms, written for the tests."""

from typing import Any

import msgspec

from trialbridge.criteria.terminology import Table
from trialbridge.criteria.terminology.imports.flaws import Imported
from trialbridge.criteria.terminology.imports.tables import READERS, written


def node(code: str, name: str, *children: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a type as OncoTree's tree has it."""
    below = {child["code"]: child for child in children}
    empty: dict[str, Any] = {
        "history": [],
        "revocations": [],
        "precursors": [],
        "externalReferences": {},
        "color": None,
    }
    return {"code": code, "name": name, "mainType": None, "tissue": None, **empty, **more, "children": below}


LUNG = node(
    "LUNG", "Lung",
    node("NSCLC", "Non-Small Cell Lung Cancer",
         node("LUAD", "Lung Adenocarcinoma", mainType="Non-Small Cell Lung Cancer", level=3, tissue="Lung", history=["OLDLUAD"]),
         mainType="Non-Small Cell Lung Cancer", level=2),
    mainType="Lung Cancer", level=1,
)  # fmt: skip
LYMPH = node(
    "LYMPH", "Lymphoid",
    node("LNM", "Lymphoid Neoplasm",
         node("BLL", "B-Lymphoblastic Leukemia/Lymphoma", revocations=["ALL"], precursors=["BALL"]),
         node("TLL", "T-Lymphoblastic Leukemia/Lymphoma", revocations=["ALL"], precursors=["TALL"]),
         mainType={"id": 7, "name": "Lymphatic Cancer, NOS"}),
    mainType="Lymphatic Cancer",
)  # fmt: skip
OVARY = node("OVARY", "Ovary/Fallopian Tube", node("OIMT", "Immature Teratoma"))
BRAIN = node(
    "BRAIN",
    "CNS/Brain",
    node("BIMT", "Immature Teratoma"),
    node("GB", "Glioblastoma, IDH-Wildtype", revocations=["GBM"]),
)
TREE = {"TISSUE": node("TISSUE", "Tissue", LUNG, LYMPH, OVARY, BRAIN, level=0)}


def flat(tree: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a tree as the list that OncoTree also gives, children before their parents."""
    found: list[dict[str, Any]] = []

    def add(entry: dict[str, Any], parent: str | None) -> None:
        for child in entry["children"].values():
            add(child, entry["code"])
        found.append({**entry, "children": {}, "parent": parent})

    add(tree["TISSUE"], None)
    return found


def encoded(document: Any) -> bytes:
    """Return JSON."""
    return msgspec.json.encode(document)


_GENES = (
    ("HGNC:3236", "EGFR", "Approved", '"ERBB1|ERRP"', "ERBB"),
    ("HGNC:7132", "KMT2A", "Approved", '"TRX1|HRX|ALL-1"', "MLL"),
    ("HGNC:7133", "KMT2D", "Approved", '"ALR|MLL4"', '"TNRC21|MLL2"'),
    ("HGNC:15840", "KMT2B", "Approved", '"MLL2|TRX2"', "WBP7"),
    ("HGNC:1", "TRX2", "Approved", "", ""),
    ("HGNC:25018", "C1orf127", "Approved", "FLJ37118", ""),
    ("HGNC:99999", "OLDGENE~withdrawn", "Entry Withdrawn", "", ""),
)
_HEAD = (
    "hgnc_id", "symbol", "name", "locus_group", "locus_type", "status", "location", "location_sortable", "alias_symbol", "alias_name",
    "prev_symbol", "prev_name", "entrez_id",
)  # fmt: skip
_BETWEEN = "a name\tprotein-coding gene\tgene with protein product"
HGNC = "\n".join([
    "\t".join(_HEAD),
    *(
        f'{number}\t{symbol}\t{_BETWEEN}\t{status}\t7p11.2\t07p11.2\t{alias}\t"a|b, c"\t{former}\t\t7'
        for number, symbol, status, alias, former in _GENES
    ),
    "",
])  # fmt: skip
CUSTOM = """\
HGNC ID\tApproved symbol\tApproved name\tStatus\tPrevious symbols\tAlias symbols
HGNC:3236\tEGFR\tepidermal growth factor receptor\tApproved\tERBB\tERBB1, ERRP
"""
MAPPINGS = """\
ONCOTREE_CODE\tNCIT_CODE\tUMLS_CODE\tICDO_TOPOGRAPHY_CODE\tICDO_MORPHOLOGY_CODE\tHEMEONC_CODE
LUAD\tC3512\tC0152013\tC34.9\t8140/3\t
LUNG\tC12468\tC0024109\tC34.9\t8000/3\t46104
LNET\tC5670\tC1334452\tC34.9\t8240/3\t
LUCA\tC4038\tC0280089\tC34.9\t8240/3\t
UM\tC7712\tC0220633\tC69.4\t8720/3\t677
FL\tC3209\tC0024301\tC42.4\t9690/3\t599
GBM\tC3058\tC0017636\tC71.9\t9440/3\t
KIDNEY\tC12415\tC0022646\t\t\t
TISSUE\tC12801\tC0040300\t\t\t
"""


def table(kind: str, body: bytes, version: str = "v1") -> Table:
    """Return what an import makes, as it is put in force."""
    found = READERS[kind](body)
    return Table(found.table, version, written(found))


def codes(found: Imported) -> list[tuple[str, str]]:
    """Return the flaws of an import, each with its place."""
    return [(flaw.code.removeprefix("terminology."), flaw.place) for flaw in found.flaws]
