"""The cancers of the synthetic world: codes, stages, usual alterations and usual treatments, with their shares."""

from dataclasses import dataclass
from typing import Literal

Sex = Literal["female", "male", "any"]


@dataclass(frozen=True, slots=True)
class Alteration:
    """A finding of a genomic report, in the writing of HGVS with one-letter amino acids."""

    kind: Literal["variant", "amplification", "deletion", "fusion"]
    gene: str
    protein: str = ""
    coding: str = ""
    partner: str = ""
    germline: bool = False


@dataclass(frozen=True, slots=True)
class Disease:
    """One cancer: how it is coded, how often, and what is usually found and done."""

    oncotree: str
    name: str
    icd10: str
    snomed: str
    morphology: str
    """ICD-O-3 morphology."""
    weight: int
    sex: Sex
    ages: tuple[int, int]
    stages: tuple[str, ...]
    findings: tuple[tuple[int, Alteration], ...]
    """Each with its share in percent; drawn independently of one another."""
    regimens: tuple[tuple[str, ...], ...]
    """Systemic lines in the order in which they are given."""
    msi_high: int = 2
    """Percent."""
    tmb_high: int = 5
    liquid: bool = False


def _variant(gene: str, protein: str, coding: str) -> Alteration:
    return Alteration("variant", gene, protein, coding)


def _germline(gene: str, protein: str, coding: str) -> Alteration:
    return Alteration("variant", gene, protein, coding, germline=True)


def _fusion(gene: str, partner: str) -> Alteration:
    return Alteration("fusion", gene, partner=partner)


def _amplified(gene: str) -> Alteration:
    return Alteration("amplification", gene)


KRAS_G12C = _variant("KRAS", "p.G12C", "c.34G>T")
KRAS_G12D = _variant("KRAS", "p.G12D", "c.35G>A")
BRAF_V600E = _variant("BRAF", "p.V600E", "c.1799T>A")
PIK3CA_H1047R = _variant("PIK3CA", "p.H1047R", "c.3140A>G")
PIK3CA_E545K = _variant("PIK3CA", "p.E545K", "c.1633G>A")
TP53_R175H = _variant("TP53", "p.R175H", "c.524G>A")
TP53_R273H = _variant("TP53", "p.R273H", "c.818G>A")
BRCA1_GERMLINE = _germline("BRCA1", "p.E23Vfs*17", "c.68_69del")
BRCA2_GERMLINE = _germline("BRCA2", "p.S1982Rfs*22", "c.5946del")
PTEN_R130 = _variant("PTEN", "p.R130*", "c.388C>T")
SOLID_STAGES = ("IA", "IB", "IIA", "IIB", "IIIA", "IIIB", "IV", "IV", "IV", "IVA", "IVB")

LUAD = Disease(
    "LUAD",
    "Adenocarcinoma of lung",
    "C34.90",
    "254626006",
    "8140/3",
    20,
    "any",
    (41, 83),
    SOLID_STAGES,
    (
        (22, _variant("EGFR", "p.L858R", "c.2573T>G")),
        (10, _variant("EGFR", "p.E746_A750del", "c.2236_2250del")),
        (24, KRAS_G12C),
        (14, _fusion("ALK", "EML4")),
        (4, _fusion("ROS1", "CD74")),
        (4, _fusion("NTRK1", "TPM3")),
        (5, BRAF_V600E),
        (4, _amplified("MET")),
        (30, TP53_R273H),
        (12, _variant("STK11", "p.Q37*", "c.109C>T")),
    ),
    (("carboplatin", "pemetrexed"), ("pembrolizumab",), ("docetaxel",)),
    tmb_high=18,
)
LUSC = Disease(
    "LUSC",
    "Squamous cell carcinoma of lung",
    "C34.91",
    "254634000",
    "8070/3",
    6,
    "any",
    (50, 84),
    SOLID_STAGES,
    ((60, TP53_R175H), (12, PIK3CA_E545K), (12, _amplified("FGFR1")), (4, KRAS_G12C)),
    (("carboplatin", "paclitaxel"), ("nivolumab",)),
    tmb_high=25,
)
BREAST = Disease(
    "IDC",
    "Invasive ductal carcinoma of breast",
    "C50.919",
    "408643008",
    "8500/3",
    18,
    "female",
    (33, 82),
    ("IA", "IIA", "IIB", "IIIA", "IIIB", "IV", "IV", "IV"),
    (
        (34, PIK3CA_H1047R),
        (12, PIK3CA_E545K),
        (10, BRCA1_GERMLINE),
        (10, BRCA2_GERMLINE),
        (25, TP53_R175H),
        (12, _variant("ESR1", "p.D538G", "c.1613A>G")),
    ),
    (("letrozole", "palbociclib"), ("fulvestrant",), ("capecitabine",)),
)
COLON = Disease(
    "COAD",
    "Adenocarcinoma of colon",
    "C18.9",
    "301756000",
    "8140/3",
    14,
    "any",
    (38, 84),
    SOLID_STAGES,
    (
        (24, KRAS_G12D),
        (12, KRAS_G12C),
        (14, BRAF_V600E),
        (60, _variant("APC", "p.R1450*", "c.4348C>T")),
        (10, PIK3CA_E545K),
    ),
    (("fluorouracil", "oxaliplatin"), ("fluorouracil", "irinotecan"), ("bevacizumab",)),
    msi_high=22,
)
MELANOMA = Disease(
    "SKCM",
    "Malignant melanoma of skin",
    "C43.9",
    "93655004",
    "8720/3",
    10,
    "any",
    (28, 84),
    SOLID_STAGES,
    ((48, BRAF_V600E), (20, _variant("NRAS", "p.Q61R", "c.182A>G")), (15, PTEN_R130)),
    (("nivolumab", "ipilimumab"), ("dabrafenib", "trametinib")),
    tmb_high=45,
)
AML = Disease(
    "AML",
    "Acute myeloid leukaemia",
    "C92.00",
    "91861009",
    "9861/3",
    10,
    "any",
    (21, 82),
    (),
    (
        (34, _variant("FLT3", "p.D835Y", "c.2503G>T")),
        (25, _variant("NPM1", "p.W288Cfs*12", "c.860_863dup")),
        (14, _variant("IDH1", "p.R132H", "c.395G>A")),
        (14, _variant("IDH2", "p.R140Q", "c.419G>A")),
        (12, _variant("DNMT3A", "p.R882H", "c.2645G>A")),
    ),
    (("cytarabine", "daunorubicin"), ("azacitidine", "venetoclax")),
    liquid=True,
    msi_high=0,
    tmb_high=0,
)
PROSTATE = Disease(
    "PRAD",
    "Adenocarcinoma of prostate",
    "C61",
    "399490008",
    "8140/3",
    9,
    "male",
    (52, 86),
    SOLID_STAGES,
    ((20, BRCA2_GERMLINE), (6, BRCA1_GERMLINE), (20, Alteration("deletion", "PTEN")), (25, TP53_R273H)),
    (("leuprolide",), ("enzalutamide",), ("docetaxel",)),
)
OVARY = Disease(
    "HGSOC",
    "High grade serous carcinoma of ovary",
    "C56.9",
    "363443007",
    "8461/3",
    6,
    "female",
    (36, 80),
    ("IIB", "IIIA", "IIIC", "IIIC", "IV"),
    ((28, BRCA1_GERMLINE), (18, BRCA2_GERMLINE), (80, TP53_R175H)),
    (("carboplatin", "paclitaxel"), ("doxorubicin",)),
)
PANCREAS = Disease(
    "PAAD",
    "Adenocarcinoma of pancreas",
    "C25.9",
    "700423003",
    "8140/3",
    5,
    "any",
    (44, 82),
    SOLID_STAGES,
    ((70, KRAS_G12D), (8, KRAS_G12C), (10, BRCA2_GERMLINE)),
    (("gemcitabine", "paclitaxel"), ("fluorouracil", "irinotecan")),
)
THYROID = Disease(
    "THPA",
    "Papillary carcinoma of thyroid",
    "C73",
    "255029007",
    "8260/3",
    5,
    "any",
    (19, 74),
    ("I", "II", "III", "IV", "IVB"),
    ((55, BRAF_V600E), (25, _fusion("NTRK3", "ETV6")), (12, _fusion("RET", "CCDC6"))),
    (("lenvatinib",),),
)
UTERUS = Disease(
    "UEC",
    "Endometrioid carcinoma of endometrium",
    "C54.1",
    "254878006",
    "8380/3",
    6,
    "female",
    (42, 82),
    ("IA", "IB", "II", "IIIC", "IV", "IVB"),
    ((40, PIK3CA_H1047R), (45, PTEN_R130), (8, _variant("POLE", "p.P286R", "c.857C>G"))),
    (("carboplatin", "paclitaxel"),),
    msi_high=34,
    tmb_high=20,
)
BLADDER = Disease(
    "BLCA",
    "Urothelial carcinoma of bladder",
    "C67.9",
    "399326009",
    "8120/3",
    4,
    "any",
    (48, 86),
    ("I", "II", "IIIA", "IV", "IVA"),
    ((25, _variant("FGFR3", "p.S249C", "c.746C>G")), (40, TP53_R273H), (10, _amplified("ERBB2"))),
    (("cisplatin", "gemcitabine"), ("pembrolizumab",)),
    tmb_high=25,
)
ALL = (LUAD, LUSC, BREAST, COLON, MELANOMA, AML, PROSTATE, OVARY, PANCREAS, THYROID, UTERUS, BLADDER)
BY_CODE = {disease.oncotree: disease for disease in ALL}
