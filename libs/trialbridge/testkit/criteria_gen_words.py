"""The few words that random criteria and random patients draw from: few enough that they meet, odd enough to find what is wrong."""

from collections.abc import Sequence
from datetime import date, timedelta
from random import Random
from typing import Any, Final, TypeVar

from trialbridge.contracts.events import Site
from trialbridge.criteria.facts import Coding, Evidence
from trialbridge.criteria.language import Period

T = TypeVar("T")

DAYS: Final = (date(2026, 6, 15), date(2024, 2, 29), date(2025, 3, 1), date(2026, 5, 31), date(2026, 12, 31))
"""As-of days: a common one, leap day and the day after February, the end of a month and of a year."""
PERIODS: Final = (
    Period(days=14),
    Period(days=28),
    Period(weeks=4),
    Period(months=1),
    Period(months=6),
    Period(years=1),
)
OFFSETS: Final = (-40, -1, 0, 1, 13, 14, 15, 27, 28, 29, 30, 31, 32, 181, 182, 183, 184, 185, 364, 365, 366, 367, 900)
"""Days before the as-of day: on either side of every period; the first two lie in the future."""
GENES: Final = ("KRAS", "EGFR", "ERBB1", "BRAF", "HER2", "ERBB2", "ALK", "MLL", "KMT2A", "kras")
PARTNERS: Final = ("EML4", "ALK", "KMT2A", "MLL", "BRAF", "EGFR")
UNLISTED_GENES: Final = ("FOO1", "")
CHANGES: Final = (
    "p.V600E",
    "p.Val600Glu",
    "p.(Val600Glu)",
    "V600K",
    "NP_004324.2:p.Val600Glu",
    "p.G12C",
    "p.Gly12Asp",
    "p.T790M",
    "p.L858R",
    "p.V600_K601delinsE",
    "p.Val600_Lys601delinsGlu",
    "p.E746_A750del",
    "p.Glu746_Ala750del",
    "p.D770_N771insG",
    "p.G12fs",
    "p.Gly12fs*3",
    "p.V600*",
    "p.Val600Ter",
    "p.G12dup",
)
SILENT: Final = ("p.V600=", "p.(Gly12=)", "p.G12G")
NO_CHANGES: Final = ("XV600E", "p.XV600E", "amplified", "exon 19 deletion", "p.?", "")
POSITIONS: Final = ("p.V600", "V600", "p.Val600", "p.G12", "p.T790")
CODING: Final = ("c.1799T>A", "NM_004333.4:c.1799T>A", "c.34G>T", "c.2235_2249del", "1799T>A")
EFFECTS: Final = (
    "Missense_Mutation",
    "missense_variant",
    "Nonsense_Mutation",
    "stop_gained",
    "Frame_Shift_Del",
    "frameshift_variant",
    "In_Frame_Del",
    "inframe_indel",
    "Silent",
    "Splice_Site",
)
ONCOTREE_URIS: Final = ("http://oncotree.mskcc.org", "http://data.mskcc.org/ontologies/oncotree", "urn:oid:oncotree")
ICD10: Final = "http://hl7.org/fhir/sid/icd-10-cm"
ICD9: Final = "http://hl7.org/fhir/sid/icd-9-cm"
TUMOUR_ICD9: Final = ("162.9", "162", "1749", "155.0", "155.2", "173.31", "185", "199.1", "202.80", "205.00", "238.75")
SNOMED: Final = "http://snomed.info/sct"
ICDO3: Final = "http://terminology.hl7.org/CodeSystem/icd-o-3"
TERMS: Final = ("LUNG", "NSCLC", "LUAD", "LUSC", "luad", "Lung Adenocarcinoma", "BREAST", "IDC", "LIVER", "HCC",
                "BILIARY_TRACT", "CHOL", "PROSTATE", "HEAD_NECK", "AML", "MYELOID", "lung cancer", "COADREAD")  # fmt: skip
TUMOUR_ICD10: Final = ("C34", "C34.1", "C341", "C50.9", "C22", "C22.0", "C61", "C92.0", "C07", "D48.9", "C18.2")
TUMOUR_SNOMED: Final = ("254626006", "254637007", "254837009", "109841003", "91861009", "999999999", "399068003")
SHAPES: Final = ("8140/3", "8070/3", "8500/3", "8170/3", "9861/3", "9999/3")
PLACES: Final = ("C34.1", "C50.9", "C22.0", "C61.9", "C18.2")
GROUPS: Final = ("I", "II", "IIIA", "III", "3a", "Stage IIIA", "IV", "IVA", "IVC", "4", "IIIA1", "0")
T_WORDS: Final = ("T1", "T2", "T2a", "cT2a", "pT3", "T4b", "Tis", "2a", "T1mi")
N_WORDS: Final = ("N0", "N1", "N1mi", "pN2b", "N2")
M_WORDS: Final = ("M0", "M1", "M1a", "cM0")
UNSAID: Final = {"t": "TX", "n": "NX", "m": "MX", "group": "extensive"}
SITES: Final = ("liver", "bone", "brain", "lung", "hepatic", "10200004")
DRUGS: Final = ("cisplatin", "pembrolizumab", "keytruda", "osimertinib", "Sotorasib", "trastuzumab", "mystery-101")
CLASSES: Final = ("platinum", "checkpoint inhibitor", "kras inhibitor", "chemotherapy", "egfr inhibitor")
NAMES: Final = ("diabetes mellitus", "diabetes", "HIV", "hypertension", "stroke", "ankle sprain")
NAME_ICD10: Final = ("E11.9", "E11", "E10.1", "B20", "I10", "I63.9", "I63", "S93.4", "E112")
NAME_SNOMED: Final = ("73211009", "44054006", "86406008", "38341003", "230690007", "59621000")
OTHER_CODES: Final = ("4241", "80146002", "10207")
COUNTRIES: Final = ("DE", "de", "AT", "US")
REGIONS: Final = ("BY", "by", "MA")
SITE_IDS: Final = ("boston", "munich")
SITES_OF_TRIALS: Final = (
    Site(id="boston", latitude=42.36, longitude=-71.06),
    Site(id="munich", latitude=48.14, longitude=11.58, status="suspended"),
    Site(id="vienna", latitude=48.21, longitude=16.37, status="closed"),
)
POINTS: Final = ("42.36,-71.06", "48.14,11.58", "47.27, 11.39", "-33.87,151.21")
DISTANCES: Final = ("1", "30", "100", "250", "1000", "7000")
HOMES: Final = (
    ("42.36", "-71.06"),
    ("42.37", "-71.11"),
    ("48.21", "16.37"),
    ("47.27", "11.39"),
    ("91", "0"),
    ("NaN", "1"),
)
ZIPS: Final = ("02139", "02139-4307", "10001", "021390000", "80331", "0213", "SW1A 1AA")
STATES: Final = ("MA", "Massachusetts", "NY", "BY")
LAB_TESTS: Final = (
    "hemoglobin",
    "hgb",
    "718-7",
    "creatinine",
    "creatinine",
    "platelet count",
    "total bilirubin",
    "99999-9",
)
LOINC_OF: Final = {
    "hemoglobin": ("718-7", "20509-6"),
    "creatinine": ("2160-0", "38483-4"),
    "platelet count": ("777-3", "26515-7"),
    "total bilirubin": ("1975-2", "42719-5"),
    "99999-9": ("99999-9",),
}
LAB_UNITS: Final = {
    "hemoglobin": ("g/dL", "g/L", "mg/mL"),
    "creatinine": ("mg/dL", "umol/L", "µmol/L", "mmol/L"),
    "platelet count": ("10*3/uL", "10*9/L", "/uL", "K/UL"),
    "total bilirubin": ("mg/dL", "umol/L"),
    "99999-9": ("1", "%"),
}
VITALS: Final = {"8480-6": ("mm[Hg]", "mmHg"), "29463-7": ("kg", "g", "[lb_av]"), "8310-5": ("Cel", "K")}
SIGNATURES: Final = {
    "msi": ("high", "low", "stable", "indeterminate"),
    "mmr": ("proficient", "deficient"),
    "tmb": ("high", "low"),
    "hrd": ("present", "absent"),
    "apobec": ("present", "absent"),
    "pole": ("present", "absent"),
    "temozolomide": ("present", "absent"),
    "tobacco": ("present", "absent"),
    "uv": ("present", "absent"),
}
BURDEN_UNITS: Final = ("1/1000000{Base}", "1", None)
MARKERS: Final = ("HER2", "HER2", "ERBB2", "HER2/neu", "ER", "estrogen receptor", "PD-L1", "PDL1", "TROP9")
SCORES: Final = ("cps", "tps", "tps", "ihc", "percent")
ASSAYS: Final = ("FoundationOne CDx", "MSK-IMPACT", "foundationone")
METHODS: Final = ("IHC 22C3", "FISH", "ihc sp263")


def maybe(rng: Random, share: float) -> bool:
    """Return true in that share of draws."""
    return rng.random() < share


def some(rng: Random, values: Sequence[T], most: int = 2) -> tuple[T, ...]:
    """Return one or a few different values."""
    return tuple(rng.sample(values, rng.randint(1, min(most, len(values)))))


def optional(rng: Random, values: Sequence[T], share: float = 0.6) -> T | None:
    """Return a value, or None in the rest of draws."""
    return rng.choice(values) if rng.random() < share else None


def partial_date(rng: Random, as_of: date) -> str | None:
    """Return a date near the bound of a period: a day, a month, a year, a moment with zone, none at all, or no date."""
    day = (as_of - timedelta(days=rng.choice(OFFSETS))).isoformat()
    shape = rng.choices(("day", "month", "year", "none", "moment", "odd"), (62, 10, 6, 12, 8, 2))[0]
    if shape == "moment":
        zone = rng.choice(("Z", "+02:00", "-05:00", ""))
        return f"{day}T{rng.choice(('00:30:00', '12:00:00.500', '23:30:00'))}{zone}"
    if shape == "odd":
        return rng.choice(("soon", "2026-02-30", "05/03/2026"))
    return {"day": day, "month": day[:7], "year": day[:4], "none": None}[shape]


def evidence(rng: Random) -> Evidence:
    """Return one of a few records; the same fact may come by several deliveries."""
    return Evidence(resource=f"Observation/{rng.randint(1, 40)}", record=rng.choice(("", "d1", "d2")))


def coding(rng: Random, system: str | None, codes: Sequence[str], texts: Sequence[Any] = (None,)) -> Coding:
    """Return a coding with a code, a text, or both."""
    text = rng.choice(texts)
    return Coding(system=system, code=rng.choice(codes) if text is None or maybe(rng, 0.5) else None, text=text)
