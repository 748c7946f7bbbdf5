"""The criteria language: groups and one leaf kind per clinical question.

What people write has one key per object (``{"age": {"min": 18}}``, ``{"all": [...]}``); `surface` turns it into the tagged
form of these types (``{"kind": "age", "min": 18}``), which is what a published definition holds. Unknown keys are refused.
Every leaf is judged in three values; the docstring says when it is met, when it fails, and what leaves it unknown.
"""

from decimal import Decimal
from typing import Literal

from trialbridge.criteria import language_base as base
from trialbridge.criteria import language_genomic as genomic

Node = base.Node
Period = base.Period
Moment = base.Moment
Pick = base.Pick
DiseaseWord = base.DiseaseWord
Variant = genomic.Variant
CopyNumber = genomic.CopyNumber
Fusion = genomic.Fusion
WildType = genomic.WildType
Tested = genomic.Tested
Signature = genomic.Signature


class All(Node, frozen=True, kw_only=True, tag="all"):
    """Met when every member is met; the worst member decides (not_met, then unknown)."""

    of: tuple["Criterion", ...]


class Any(Node, frozen=True, kw_only=True, tag="any"):
    """Met when one member is met; the best member decides."""

    of: tuple["Criterion", ...]


class Not(Node, frozen=True, kw_only=True, tag="not"):
    """Swaps met and not_met; unknown stays unknown."""

    of: "Criterion"


class AtLeast(Node, frozen=True, kw_only=True, tag="at_least"):
    """Met when ``count`` members are met; not_met when too few can be."""

    count: int
    of: tuple["Criterion", ...]


class Age(Node, frozen=True, kw_only=True, tag="age"):
    """Age in completed units, both bounds inclusive; a partial birth date leaves the gap unknown. Feb 29 turns on Mar 1."""

    min: int | None = None
    max: int | None = None
    unit: Literal["years", "months", "weeks", "days"] = "years"


class Sex(Node, frozen=True, kw_only=True, tag="sex"):
    """Recorded sex is one of these; unknown where it is not recorded or sources disagree."""

    any_of: tuple[Literal["female", "male", "other"], ...]


class VitalStatus(Node, frozen=True, kw_only=True, tag="vital_status"):
    """Alive or deceased at the as-of date; unknown where no record says either."""

    status: Literal["alive", "deceased"]


class Location(Node, frozen=True, kw_only=True, tag="location"):
    """Lives in one of these countries and one of these regions, letter case ignored, and within a distance of a site.

    Distances are great circles from the point where the patient lives or, where the record has none, from the circle that holds
    the postal code, the region or the country: unknown where that circle reaches across the bound.
    """

    countries: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    within_km: Decimal | None = None
    sites: tuple[str, ...] = ()
    """Ids of the trial's sites; without them and `near`, all of its sites that are not closed."""
    near: tuple[str, ...] = ()
    """Points ``latitude,longitude`` in degrees; registration writes those of the sites here."""


class Consent(Node, frozen=True, kw_only=True, tag="consent"):
    """The newest decision of this scope in force at the as-of date; unknown where there is none."""

    scope: Literal["research", "sharing", "treatment"] = "research"
    decision: Literal["permit", "deny"] = "permit"


class Pregnancy(Node, frozen=True, kw_only=True, tag="pregnancy"):
    """Newest pregnancy status (within a period); a recorded male sex counts as not pregnant."""

    status: Literal["not_pregnant", "pregnant"] = "not_pregnant"
    within: Period | None = None


class Diagnosis(Node, frozen=True, kw_only=True, tag="diagnosis"):
    """A primary cancer diagnosis is one of these terms or, unless ``descendants`` is false, below one of them.

    Fails when a recognised primary diagnosis is known and none is (or could be, on closer look) such a term; unknown when
    the diagnosis is missing, not recognised or less specific than the criterion. A code that stands for one of several terms
    is less specific than each, unless another code of the same diagnosis says which it is. A resolved diagnosis is of the
    past: it meets nothing, and where all are resolved the criterion fails; one in remission, or inactive, counts.
    """

    oncotree: tuple[str, ...] = ()
    """Codes, names, or ``_SOLID_``, ``_LIQUID_``."""
    icd10: tuple[str, ...] = ()
    """Prefixes, with or without the dot."""
    icdo3: tuple[str, ...] = ()
    """Morphologies such as ``8140/3``."""
    snomed: tuple[str, ...] = ()
    descendants: bool = True


class Stage(Node, frozen=True, kw_only=True, tag="stage"):
    """Stage of disease; the parts that are given are ANDed. ``III`` takes IIIA to IIIC, ``T2`` takes T2a.

    ``metastatic`` goes by the record's own word, its M category or its sites, else by the group: ``IVC`` is distant spread, any
    other IV where the cancer's staging has no local one (AJCC 8: lung, bowel, breast, pancreas, ovary, melanoma).
    ``metastatic_sites`` is met when a recorded site of metastasis is one of them; it fails where ``metastatic: false`` would be met
    (no spread anywhere), and is unknown otherwise: a list of sites does not say that there is no other.
    ``cns_metastases`` goes by the newest record; a metastasis in the brain, by site or diagnosis, is ``present``, active or treated.
    """

    group: tuple[str, ...] = ()
    t: tuple[str, ...] = ()
    n: tuple[str, ...] = ()
    m: tuple[str, ...] = ()
    metastatic: bool | None = None
    metastatic_sites: tuple[str, ...] = ()
    """Sites of distant metastasis: usual names (``liver``, ``bone`` …) or SNOMED CT codes."""
    cns_metastases: tuple[Literal["active", "none", "present", "treated"], ...] = ()


class DiseaseStatus(Node, frozen=True, kw_only=True, tag="disease_status"):
    """The course or extent of disease is one of these words; only a word of the same axis can say that it is not.

    Recorded spread and a treatment that was given are not undone: they fail the words that they rule out for good.
    """

    any_of: tuple[DiseaseWord, ...]
    within: Period | None = None


class Performance(Node, frozen=True, kw_only=True, tag="performance"):
    """Newest performance status in this scale; another scale is converted where the conversion is certain."""

    scale: Literal["ecog", "karnofsky", "lansky"] = "ecog"
    min: int | None = None
    max: int | None = None
    pick: Pick = "most_recent"
    within: Period | None = None


class Expression(Node, frozen=True, kw_only=True, tag="expression"):
    """The newest protein marker result by status or score; HER2 ``low`` is a part of ``negative``, ER/PR ``low`` of ``positive``.

    A score without a status is read by ASCO/CAP: HER2 by IHC 0 is negative (zero or ultralow), 1 low, 2 equivocal, 3 positive; ER
    and PR under 1 percent negative, up to 10 low, above positive. Of PD-L1 and others a score says no status: cut-offs differ.
    Of HER2 by in situ hybridization, ratio and copies of one day say it together: 2.0 and 4.0 or more are positive, less of both
    negative, anything else is equivocal; a stain of grade 2 of that day is decided by them, low where they are negative.

    With ``methods``, results by another method do not count, and one whose method is not recorded leaves it unknown.
    """

    marker: str
    any_of: tuple[Literal["equivocal", "low", "negative", "positive", "ultralow"], ...] = ()
    score: Literal["cps", "ic", "ihc", "percent", "ratio", "tc", "tps"] | None = None
    min: Decimal | None = None
    max: Decimal | None = None
    above: Decimal | None = None
    below: Decimal | None = None
    methods: tuple[str, ...] = ()
    """Words of the method's or antibody's name (``IHC``, ``22C3``), letter case ignored."""
    pick: Pick = "most_recent"
    within: Period | None = None


class PriorTherapy(Node, frozen=True, kw_only=True, tag="prior_therapy"):
    """A treatment that was given and fits everything asked, or the number of systemic lines that fit.

    Fails only where the history is stated to be complete or the treatment is stated not to have been given.

    Windows: ``within`` and ``after`` want any day of the treatment in the last period, or on or after a day; ``before`` wants
    all of it before a day: an ongoing treatment fails it, and one whose end is not recorded fails it where it began on or after
    that day and leaves it unknown otherwise. A moment given as a period is the first day of the period that ends with the as-of
    date. What is met or failed inside of any window may turn.

    ``within_half_lives`` counts the half-lives of each drug that was given and is asked for, in whole days, rounded up: a drug
    whose half-life no table has leaves it unknown, what is no drug (radiation, surgery, transplant) is never within it. Windows
    of one criterion hold together: to exclude four weeks or five half-lives, whichever is shorter, negate one criterion with both;
    whichever is longer, negate each.
    """

    drugs: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    categories: tuple[Literal["other", "radiation", "surgery", "systemic", "transplant"], ...] = ()
    intents: tuple[Literal["adjuvant", "curative", "maintenance", "neoadjuvant", "palliative"], ...] = ()
    outcomes: tuple[str, ...] = ()
    stop_reasons: tuple[Literal["completed", "other", "patient_choice", "progression", "toxicity"], ...] = ()
    """Why it was stopped; unknown where the record does not say it in one of these words."""
    min_lines: int | None = None
    max_lines: int | None = None
    within: Period | None = None
    """Given (any day of it) in this last period; negate it for a washout."""
    after: Moment | None = None
    """Given (any day of it) on or after this day."""
    before: Moment | None = None
    """Over before this day: ``before: 28 days`` is a washout of that treatment alone."""
    within_half_lives: Decimal | None = None
    """Given (any day of it) in the last so many half-lives of the drug; negate it for a washout."""


class Coded(Node, frozen=True, kw_only=True):
    """Base of the leaves that look for something by name or code."""

    names: tuple[str, ...] = ()
    icd10: tuple[str, ...] = ()
    snomed: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    """Codes of any other system (RxNorm, CPT, LOINC …), compared as written."""


class Condition(Coded, frozen=True, kw_only=True, tag="condition"):
    """A comorbidity (whose record's date is in the windows); fails where its absence is stated, or its activity is the other."""

    active: bool | None = None
    within: Period | None = None
    after: Moment | None = None
    before: Moment | None = None


class Medication(Coded, frozen=True, kw_only=True, tag="medication"):
    """A non-cancer medication, active or not as asked; fails only where it is recorded the other way round.

    Records never say that a medication was never taken.
    """

    active: bool | None = None


class Procedure(Coded, frozen=True, kw_only=True, tag="procedure"):
    """A procedure done (in the windows); one outside of them does not make it fail, another may have been done elsewhere."""

    within: Period | None = None
    after: Moment | None = None
    """Done on or after this day."""
    before: Moment | None = None
    """Done before this day."""


class Allergy(Coded, frozen=True, kw_only=True, tag="allergy"):
    """An allergy; only a stated absence makes it fail."""


class Histology(Node, frozen=True, kw_only=True, tag="histology"):
    """The morphology of a tumour that is not resolved, by ICD-O-3 or SNOMED CT code, or words of its text."""

    icdo3: tuple[str, ...] = ()
    snomed: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


class Lab(Node, frozen=True, kw_only=True, tag="lab"):
    """The newest result of a test (within a period) in a unit that converts, or in multiples of the upper limit (``xULN``)."""

    test: str
    """Usual name or LOINC code."""
    unit: str | None = None
    min: Decimal | None = None
    max: Decimal | None = None
    above: Decimal | None = None
    below: Decimal | None = None
    pick: Pick = "most_recent"
    within: Period | None = None


class Vital(Node, frozen=True, kw_only=True, tag="vital"):
    """The newest vital sign by LOINC code (within a period)."""

    loinc: str
    unit: str | None = None
    min: Decimal | None = None
    max: Decimal | None = None
    above: Decimal | None = None
    below: Decimal | None = None
    pick: Pick = "most_recent"
    within: Period | None = None


Group = All | Any | Not | AtLeast
Leaf = (
    Age
    | Sex
    | VitalStatus
    | Location
    | Consent
    | Pregnancy
    | Diagnosis
    | Histology
    | Stage
    | DiseaseStatus
    | Performance
    | Variant
    | CopyNumber
    | Fusion
    | WildType
    | Tested
    | Signature
    | Expression
    | PriorTherapy
    | Condition
    | Medication
    | Procedure
    | Allergy
    | Lab
    | Vital
)
Criterion = Group | Leaf
"""The tagged union of groups and leaves."""
