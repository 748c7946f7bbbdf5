"""Code tables of the synthetic world: genes, panels, drugs and laboratory tests. Public identifiers, own display texts."""

from typing import NamedTuple

LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
ICD10CM = "http://hl7.org/fhir/sid/icd-10-cm"
ONCOTREE = "http://oncotree.mskcc.org"
ICDO3 = "http://terminology.hl7.org/CodeSystem/icd-o-3"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
HGNC = "http://www.genenames.org/geneId"
HGVS = "http://varnomen.hgvs.org"
UCUM = "http://unitsofmeasure.org"
MCODE = "http://hl7.org/fhir/us/mcode/StructureDefinition/"
GENOMICS = "http://hl7.org/fhir/uv/genomics-reporting/StructureDefinition/"

GENES: dict[str, str] = {
    "ALK": "427",
    "APC": "583",
    "AR": "644",
    "ASXL1": "18318",
    "ATM": "795",
    "BRAF": "1097",
    "BRCA1": "1100",
    "BRCA2": "1101",
    "CCDC6": "18782",
    "CD74": "1697",
    "CEBPA": "1833",
    "DNMT3A": "2978",
    "EGFR": "3236",
    "EML4": "1316",
    "ERBB2": "3430",
    "ESR1": "3467",
    "ETV6": "3495",
    "FGFR1": "3688",
    "FGFR3": "3690",
    "FLT3": "3765",
    "IDH1": "5382",
    "IDH2": "5383",
    "KRAS": "6407",
    "MET": "7029",
    "NPM1": "7910",
    "NRAS": "7989",
    "NTRK1": "8031",
    "NTRK3": "8033",
    "PIK3CA": "8975",
    "POLE": "9177",
    "PTEN": "9588",
    "RET": "9967",
    "ROS1": "10261",
    "RUNX1": "10471",
    "STK11": "11389",
    "TET2": "25941",
    "TP53": "11998",
    "TPM3": "12012",
}
"""HGNC numbers by approved symbol."""

SOLID_PANEL = (
    "ALK", "APC", "AR", "ATM", "BRAF", "BRCA1", "BRCA2", "EGFR", "ERBB2", "ESR1", "FGFR1", "FGFR3", "KRAS", "MET",
    "NRAS", "NTRK1", "NTRK3", "PIK3CA", "POLE", "PTEN", "RET", "ROS1", "STK11", "TP53",
)  # fmt: skip
HOTSPOT_PANEL = ("ALK", "BRAF", "EGFR", "KRAS", "MET", "NRAS", "PIK3CA", "ROS1", "TP53", "STK11", "BRCA1", "BRCA2")
MYELOID_PANEL = ("ASXL1", "CEBPA", "DNMT3A", "FLT3", "IDH1", "IDH2", "NPM1", "RUNX1", "TET2", "TP53")

DRUGS: dict[str, str] = {
    "azacitidine": "1251",
    "bevacizumab": "253337",
    "capecitabine": "194000",
    "carboplatin": "40048",
    "cisplatin": "2555",
    "cytarabine": "3041",
    "dabrafenib": "1424911",
    "daunorubicin": "3109",
    "docetaxel": "72962",
    "doxorubicin": "3639",
    "enzalutamide": "1307298",
    "fluorouracil": "4492",
    "fulvestrant": "282357",
    "gemcitabine": "12574",
    "ipilimumab": "1094833",
    "irinotecan": "51499",
    "lenvatinib": "1603296",
    "letrozole": "72965",
    "leuprolide": "42375",
    "nivolumab": "1597876",
    "oxaliplatin": "32592",
    "paclitaxel": "56946",
    "palbociclib": "1601374",
    "pembrolizumab": "1547545",
    "pemetrexed": "68446",
    "trametinib": "1425098",
    "trastuzumab": "224905",
    "venetoclax": "1747556",
}
"""RxNorm ingredient by generic name."""


class LabTest(NamedTuple):
    """One laboratory test with its reference range and the spread of values drawn for a well and an unwell patient."""

    loinc: str
    name: str
    unit: str
    low: str
    high: str
    well: tuple[int, int]
    unwell: tuple[int, int]
    digits: int
    """Digits after the decimal point; the spreads are in the last of them."""


LABS = (
    LabTest("718-7", "Hemoglobin", "g/dL", "12.0", "17.5", (110, 160), (70, 88), 1),
    LabTest("751-8", "Neutrophils", "10*3/uL", "1.80", "7.70", (190, 680), (40, 95), 2),
    LabTest("777-3", "Platelets", "10*3/uL", "150", "400", (155, 390), (30, 90), 0),
    LabTest("2160-0", "Creatinine", "mg/dL", "0.60", "1.20", (65, 120), (220, 380), 2),
    LabTest("1975-2", "Bilirubin", "mg/dL", "0.20", "1.20", (30, 115), (240, 520), 2),
    LabTest("1742-6", "Alanine aminotransferase", "U/L", "7", "56", (10, 55), (180, 420), 0),
)
