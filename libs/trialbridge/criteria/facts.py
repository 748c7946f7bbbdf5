"""Facts: what the criteria engine knows of a patient. One type per clinical question, each with time, source and evidence.

A fact says what a record says, never what it leaves out: absence is unknown unless a `Coverage` fact (or a reported
negative, ``present=False``) says that it was looked for. Times are FHIR partial dates (``2024``, ``2024-05``,
``2024-05-03`` or a dateTime with zone) and stay as precise as the record. Numbers are `Decimal` and keep their digits.
"""

from decimal import Decimal
from typing import Literal

import msgspec


class Evidence(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Where a fact comes from: enough to find the bytes again."""

    resource: str
    """The FHIR reference of the converted resource, for example ``Observation/3f…``."""
    source: str = ""
    """The feed's id (`SourceId`)."""
    record: str = ""
    """The `RecordId` of the delivery; through it ticket, bundle hash, entry and message."""
    version: str = ""
    """The resource's version: ``meta.versionId``, else ``meta.lastUpdated``, else the delivery's time."""
    date: str | None = None
    """When the observation was made (partial date), as shown to people."""
    place: str | None = None
    """Segment or element in the source, for example ``OBX[7]``."""
    tables: str = ""
    """Versions of the feed's own table of codes that the fact rests on (``local codes v7``); empty where it rests on none."""


class Fact(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True, tag_field="kind"):
    """Base of all facts."""

    evidence: Evidence
    effective: str | None = None
    """Clinically relevant time (partial date); None where the record gives none."""


class Coding(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A code as the record has it. ``system`` is the FHIR system URI; ``text`` alone is allowed."""

    system: str | None = None
    code: str | None = None
    text: str | None = None
    version: str | None = None


class Demographics(Fact, frozen=True, kw_only=True, tag="demographics"):
    """Birth date, sex and vital status."""

    birth_date: str | None = None
    sex: Literal["male", "female", "other", "unknown"] | None = None
    deceased: bool | None = None
    deceased_date: str | None = None


class Diagnosis(Fact, frozen=True, kw_only=True, tag="diagnosis"):
    """A cancer diagnosis; ``codes`` may hold OncoTree, ICD-O-3, ICD-10 and SNOMED CT side by side."""

    codes: tuple[Coding, ...]
    status: Literal["active", "recurrence", "relapse", "remission", "inactive", "resolved"] | None = None
    morphology: tuple[Coding, ...] = ()
    """Histology (ICD-O-3 morphology or SNOMED CT)."""
    site: tuple[Coding, ...] = ()
    primary: bool = True
    """False for a condition that is a metastasis (mCODE secondary cancer)."""
    excluded: bool = False
    """True where the record says that the diagnosis was refuted."""


class Stage(Fact, frozen=True, kw_only=True, tag="stage"):
    """Stage of disease; any part may be missing."""

    system: str | None = None
    basis: Literal["clinical", "pathologic", "other"] | None = None
    group: str | None = None
    """Stage group as written without the word stage: ``IV``, ``IIIA``."""
    t: str | None = None
    n: str | None = None
    m: str | None = None
    metastatic: bool | None = None
    metastatic_sites: tuple[Coding, ...] = ()
    cns_metastases: Literal["none", "active", "treated", "present"] | None = None


class DiseaseStatus(Fact, frozen=True, kw_only=True, tag="disease_status"):
    """Course of the disease at a date (mCODE cancer disease status, or CTML's words)."""

    status: str
    """One of: remission, responding (less of it, which may or may not be called a remission), stable, progressing, not_evaluable,
    untreated, localized, locally_advanced, metastatic, advanced, recurrent, refractory, unresectable, early_stage.
    """


class Performance(Fact, frozen=True, kw_only=True, tag="performance"):
    """Performance status: ECOG 0 to 5, Karnofsky or Lansky 0 to 100."""

    scale: Literal["ecog", "karnofsky", "lansky"]
    value: int


class Variant(Fact, frozen=True, kw_only=True, tag="variant"):
    """A small variant, or (``present=False``) the reported absence of one: gene alone, or gene with a named change."""

    gene: str
    present: bool = True
    protein_change: str | None = None
    """p.HGVS as the record has it."""
    coding_change: str | None = None
    genomic_change: str | None = None
    exon: str | None = None
    effect: str | None = None
    """MAF variant classification or Sequence Ontology term."""
    source_class: Literal["somatic", "germline", "unknown"] = "unknown"
    allele_fraction: Decimal | None = None
    """0 to 1."""
    significance: str | None = None
    """LOINC 53037-8 answer in lower case: pathogenic, likely pathogenic, uncertain significance, likely benign, benign."""
    oncogenic: bool | None = None
    tier: Literal["I", "II", "III", "IV"] | None = None
    """Tier of clinical significance (AMP/ASCO/CAP)."""
    molecular_function: Literal["activating", "inactivating"] | None = None


class CopyNumber(Fact, frozen=True, kw_only=True, tag="copy_number"):
    """A copy number alteration of one gene."""

    gene: str
    present: bool = True
    call: (
        Literal[
            "high_amplification",
            "low_amplification",
            "amplification",
            "gain",
            "neutral",
            "heterozygous_deletion",
            "homozygous_deletion",
            "deletion",
        ]
        | None
    ) = None
    copies: Decimal | None = None


class Fusion(Fact, frozen=True, kw_only=True, tag="fusion"):
    """A gene fusion or other structural variant; the partner may be unknown."""

    gene: str
    partner: str | None = None
    present: bool = True
    kind_of: Literal["fusion", "structural_variant"] = "fusion"


class Signature(Fact, frozen=True, kw_only=True, tag="signature"):
    """A genome-wide biomarker: MSI, MMR, TMB, HRD and mutational signatures."""

    name: Literal["msi", "mmr", "tmb", "hrd", "apobec", "pole", "tobacco", "temozolomide", "uv"]
    status: str | None = None
    """msi: high, low, stable, indeterminate; mmr: proficient, deficient; tmb: high, low; others: present, absent."""
    value: Decimal | None = None
    unit: str | None = None
    """UCUM; TMB in ``1/1000000{Base}`` (mutations per megabase) whatever the record wrote for it."""
    assay: str | None = None


class Marker(Fact, frozen=True, kw_only=True, tag="marker"):
    """A protein marker by IHC, FISH or the like."""

    marker: str
    """Upper-case usual name: ER, PR, HER2, PD-L1, AR, Ki-67, or a gene symbol."""
    status: Literal["positive", "negative", "equivocal", "low", "ultralow", "indeterminate"] | None = None
    score: Decimal | None = None
    score_kind: Literal["cps", "tps", "ic", "tc", "ihc", "percent", "ratio", "copies"] | None = None
    method: str | None = None


class Coverage(Fact, frozen=True, kw_only=True, tag="coverage"):
    """What a test looked at: absence of a finding among these genes and alteration kinds is a negative, elsewhere unknown."""

    genes: tuple[str, ...]
    alterations: tuple[Literal["mutation", "copy_number", "fusion"], ...] = ("mutation",)
    assay: str | None = None
    source_class: Literal["somatic", "germline", "unknown"] = "unknown"


class Lab(Fact, frozen=True, kw_only=True, tag="lab"):
    """A quantitative laboratory result."""

    loinc: str
    value: Decimal
    unit: str | None = None
    """UCUM."""
    comparator: Literal["<", "<=", ">=", ">"] | None = None
    upper_limit: Decimal | None = None
    """Upper limit of normal in the result's own unit."""
    lower_limit: Decimal | None = None
    name: str | None = None


class Vital(Fact, frozen=True, kw_only=True, tag="vital"):
    """A vital sign, by LOINC."""

    loinc: str
    value: Decimal
    unit: str | None = None
    comparator: Literal["<", "<=", ">=", ">"] | None = None


class Therapy(Fact, frozen=True, kw_only=True, tag="therapy"):
    """A cancer treatment given (or planned, or reported as never given)."""

    drugs: tuple[str, ...] = ()
    """Generic names in lower case."""
    codes: tuple[Coding, ...] = ()
    category: Literal["systemic", "radiation", "surgery", "transplant", "other"] = "systemic"
    intent: Literal["curative", "palliative", "adjuvant", "neoadjuvant", "maintenance"] | None = None
    line: int | None = None
    start: str | None = None
    end: str | None = None
    ongoing: bool | None = None
    outcome: str | None = None
    """Best response or its lack: cr, pr, sd, pd."""
    stop_reason: str | None = None
    """One of: completed, progression, toxicity, patient_choice, other."""
    given: bool = True
    """False where the record states that it was not given."""


class TherapyHistory(Fact, frozen=True, kw_only=True, tag="therapy_history"):
    """A statement that the therapies known from this source are all there were (closes the world for prior therapy)."""

    complete: bool
    """False where the record says that there may have been another: then no statement of any source closes it."""
    lines: int | None = None
    """Number of prior systemic lines, where stated."""


class Condition(Fact, frozen=True, kw_only=True, tag="condition"):
    """A comorbidity, or (``present=False``) its stated absence."""

    codes: tuple[Coding, ...]
    present: bool = True
    active: bool | None = None


class Medication(Fact, frozen=True, kw_only=True, tag="medication"):
    """A non-cancer medication."""

    names: tuple[str, ...] = ()
    codes: tuple[Coding, ...] = ()
    active: bool | None = None


class Procedure(Fact, frozen=True, kw_only=True, tag="procedure"):
    """A procedure done."""

    codes: tuple[Coding, ...]


class Allergy(Fact, frozen=True, kw_only=True, tag="allergy"):
    """An allergy, or (``present=False``) its stated absence."""

    codes: tuple[Coding, ...]
    present: bool = True


class Pregnancy(Fact, frozen=True, kw_only=True, tag="pregnancy"):
    """Pregnancy status at a date."""

    status: Literal["pregnant", "not_pregnant", "unknown"]


class Location(Fact, frozen=True, kw_only=True, tag="location"):
    """Where the patient lives, as coarse as matching needs."""

    country: str | None = None
    region: str | None = None
    postal_code: str | None = None
    latitude: Decimal | None = None
    longitude: Decimal | None = None
    """Degrees, north and east positive; as coarse as the record likes."""


class Consent(Fact, frozen=True, kw_only=True, tag="consent"):
    """The patient's decision on being matched and contacted (``scope`` research) at a date."""

    scope: Literal["research", "sharing", "treatment"] = "research"
    decision: Literal["permit", "deny"]
    period_start: str | None = None
    period_end: str | None = None


AnyFact = (
    Demographics
    | Diagnosis
    | Stage
    | DiseaseStatus
    | Performance
    | Variant
    | CopyNumber
    | Fusion
    | Signature
    | Marker
    | Coverage
    | Lab
    | Vital
    | Therapy
    | TherapyHistory
    | Condition
    | Medication
    | Procedure
    | Allergy
    | Pregnancy
    | Location
    | Consent
)
"""The tagged union of all facts; JSON carries the tag in ``kind``."""


class PatientFacts(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One patient as the engine sees them: the public shape of a facts file."""

    patient: str
    facts: tuple[AnyFact, ...]
