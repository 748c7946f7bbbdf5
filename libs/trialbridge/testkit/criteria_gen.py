"""Random criteria over every leaf kind, group and window, as people would write them: aliases, other spellings, odd bounds."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from random import Random
from typing import Any, Final

from trialbridge.criteria import language as q
from trialbridge.criteria.diagnostics import Problems
from trialbridge.criteria.trial import Arm, DoseLevel, Status, Trial
from trialbridge.criteria.trial_checks import resolved
from trialbridge.testkit import criteria_gen_words as w
from trialbridge.testkit.criteria_gen_words import maybe, optional, some

STATUSES: Final[tuple[Status, ...]] = ("open", "open", "open", "suspended", "closed")
_BOUND_NAMES: Final = (("min",), ("max",), ("above",), ("below",), ("min", "max"), ("above", "below"), ("min", "below"))


def _bounds(rng: Random, values: tuple[str, ...]) -> dict[str, Any]:
    names = rng.choice(_BOUND_NAMES)
    chosen = sorted(rng.sample(values, len(names)), key=Decimal)
    return {name: Decimal(value) for name, value in zip(names, chosen, strict=True)}


def _within(rng: Random, share: float = 0.4) -> q.Period | None:
    return optional(rng, w.PERIODS, share)


def _moment(rng: Random, share: float) -> Any:
    return optional(rng, (*w.PERIODS, "2026-05-18", "2025-06-15", "2024-02-01"), share)


def _windows(rng: Random) -> dict[str, Any]:
    return {"within": _within(rng, 0.2), "after": _moment(rng, 0.1), "before": _moment(rng, 0.1)}


def _pick(rng: Random) -> Any:
    return "ever" if maybe(rng, 0.25) else "most_recent"


def _age(rng: Random) -> q.Age:
    unit, bounds = rng.choice(
        (("years", (12, 18, 65, 75)), ("months", (6, 12, 216)), ("weeks", (8, 26)), ("days", (30, 180)))
    )
    low, high = sorted((rng.choice(bounds), rng.choice(bounds)))
    shape = rng.randrange(3)
    return q.Age(min=low if shape != 1 else None, max=high if shape != 0 else None, unit=unit)  # type: ignore[arg-type]


def _sex(rng: Random) -> q.Sex:
    return q.Sex(any_of=some(rng, ("female", "male", "other")))


def _vital_status(rng: Random) -> q.VitalStatus:
    return q.VitalStatus(status=rng.choice(("alive", "deceased")))


def _location(rng: Random) -> q.Location:
    shape = rng.randrange(6)
    far: dict[str, Any] = {"within_km": Decimal(rng.choice(w.DISTANCES))} if shape > 2 else {}  # noqa: PLR2004
    if shape == 3:  # noqa: PLR2004 - 3: named sites, 4: points, 5: all sites of the trial
        far["sites"] = some(rng, w.SITE_IDS)
    if shape == 4:  # noqa: PLR2004
        far["near"] = some(rng, w.POINTS)
    countries = some(rng, w.COUNTRIES) if shape in (0, 2) else ()
    return q.Location(countries=countries, regions=some(rng, w.REGIONS) if shape in (1, 2) else (), **far)


def _consent(rng: Random) -> q.Consent:
    return q.Consent(scope=rng.choice(("research", "sharing")), decision=rng.choice(("permit", "deny")))


def _pregnancy(rng: Random) -> q.Pregnancy:
    return q.Pregnancy(status=rng.choice(("not_pregnant", "pregnant")), within=_within(rng))


def _diagnosis(rng: Random) -> q.Diagnosis:
    terms = (*w.TERMS, "_SOLID_", "All Solid Tumors", "_LIQUID_")
    shape = rng.randrange(8)
    return q.Diagnosis(
        oncotree=some(rng, terms) if shape not in (1, 2, 3) else (),
        icd10=some(rng, w.TUMOUR_ICD10) if shape in (1, 4) else (),
        icdo3=some(rng, w.SHAPES) if shape in (2, 5) else (),
        snomed=some(rng, w.TUMOUR_SNOMED) if shape in (3, 6) else (),
        descendants=not maybe(rng, 0.25),
    )


def _histology(rng: Random) -> q.Histology:
    shape = rng.choice((0, 0, 0, 1, 2, 3, 4))
    return q.Histology(
        icdo3=some(rng, w.SHAPES) if shape in (0, 3) else (),
        snomed=some(rng, ("35917007", "28899001")) if shape in (1, 3, 4) else (),
        names=some(rng, ("adenocarcinoma", "Squamous")) if shape in (2, 4) else (),
    )


def _stage(rng: Random) -> q.Stage:
    part = rng.choice(("group", "t", "n", "m", "metastatic", "sites", "cns", "group and t", "m, metastatic and cns"))
    return q.Stage(
        group=some(rng, w.GROUPS) if "group" in part else (),
        t=some(rng, w.T_WORDS) if part in ("t", "group and t") else (),
        n=some(rng, w.N_WORDS) if part == "n" else (),
        m=some(rng, w.M_WORDS) if part[:2] in ("m", "m,") else (),
        metastatic=maybe(rng, 0.6) if "metastatic" in part else None,
        metastatic_sites=some(rng, w.SITES) if part == "sites" else (),
        cns_metastases=some(rng, ("active", "none", "present", "treated")) if "cns" in part else (),
    )


def _disease_status(rng: Random) -> q.DiseaseStatus:
    return q.DiseaseStatus(any_of=some(rng, STATUS_WORDS, 3), within=_within(rng, 0.3))


STATUS_WORDS: Final[tuple[q.DiseaseWord, ...]] = (
    "advanced", "early_stage", "localized", "locally_advanced", "metastatic", "not_evaluable", "progressing", "recurrent",
    "refractory", "remission", "stable", "unresectable", "untreated",
)  # fmt: skip


def _performance(rng: Random) -> q.Performance:
    scale: Any = rng.choice(("ecog", "ecog", "karnofsky", "lansky"))
    values = (0, 1, 2, 3) if scale == "ecog" else (50, 60, 70, 80, 90)
    low, high = sorted((rng.choice(values), rng.choice(values)))
    shape = rng.randrange(3)
    return q.Performance(
        scale=scale,
        min=low if shape != 0 else None,
        max=high if shape != 1 else None,
        within=_within(rng),
        pick=_pick(rng),
    )


def _variant(rng: Random) -> q.Variant:
    asked: dict[str, Any] = {
        "protein_change": lambda: some(rng, w.CHANGES),
        "position": lambda: some(rng, w.POSITIONS),
        "codons": lambda: rng.choice(((600, 601), (1, 100), (746, 771))),
        "coding_change": lambda: some(rng, w.CODING),
        "exon": lambda: some(rng, ("15", "exon 19", "20")),
        "effects": lambda: some(rng, w.EFFECTS),
        "source": lambda: rng.choice(("germline", "somatic")),
        "min_allele_fraction": lambda: Decimal(rng.choice(("0.05", "0.2"))),
        "max_allele_fraction": lambda: Decimal(rng.choice(("0.2", "0.3"))),
        "oncogenic": lambda: maybe(rng, 0.8),
        "significance": lambda: some(rng, ("pathogenic", "Likely Pathogenic", "benign", "uncertain significance")),
        "tiers": lambda: some(rng, ("I", "II", "III")),
        "function": lambda: rng.choice(("activating", "inactivating")),
    }
    names = rng.sample(list(asked), rng.choice((0, 0, 1, 1, 1, 2)))
    return q.Variant(gene=rng.choice(w.GENES), **{name: asked[name]() for name in names})


CALLS: Final = ("amplification", "deletion", "gain", "heterozygous_deletion", "high_amplification", "homozygous_deletion",
                "low_amplification", "neutral")  # fmt: skip


def _copy_number(rng: Random) -> q.CopyNumber:
    bounds = (
        {"min_copies": "4", "max_copies": "6"} if maybe(rng, 0.1) else rng.choice(({}, {"min_copies": "4"}, {}, {}))
    )
    return q.CopyNumber(
        gene=rng.choice(w.GENES),
        calls=some(rng, CALLS, 3) if maybe(rng, 0.6) else (),
        **{name: Decimal(value) for name, value in bounds.items()},
    )


def _fusion(rng: Random) -> q.Fusion:
    return q.Fusion(
        gene=rng.choice((*w.GENES, "ALK", "ALK")),
        partner=optional(rng, w.PARTNERS, 0.4),
        type=rng.choice(("any", "fusion", "structural_variant")),
    )


def _wild_type(rng: Random) -> q.WildType:
    return q.WildType(gene=rng.choice(w.GENES))


def _tested(rng: Random) -> q.Tested:
    return q.Tested(gene=rng.choice(w.GENES), alteration=rng.choice(("copy_number", "fusion", "mutation")))


def _signature(rng: Random) -> q.Signature:
    name: Any = rng.choice(("msi", "msi", "tmb", "tmb", "tmb", "mmr", rng.choice(list(w.SIGNATURES))))
    bounded = name not in ("msi", "mmr") and maybe(rng, 0.7 if name == "tmb" else 0.3)
    unit = "mut/Mb" if name == "tmb" and maybe(rng, 0.4) else "1" if name != "tmb" and maybe(rng, 0.4) else None
    return q.Signature(
        name=name,
        any_of=some(rng, w.SIGNATURES[name]) if not bounded or maybe(rng, 0.15) else (),
        unit=unit if bounded else None,
        within=_within(rng, 0.2),
        pick=_pick(rng),
        assays=some(rng, ("foundationone", "impact")) if maybe(rng, 0.15) else (),
        **(_bounds(rng, ("5", "10", "10.5", "20")) if bounded else {}),
    )


def _expression(rng: Random) -> q.Expression:
    bounded = maybe(rng, 0.4)
    score: Any = rng.choice(w.SCORES) if bounded else None
    values = ("1", "2", "3") if score == "ihc" else ("1", "10", "49", "50")
    words: Any = ("equivocal", "low", "negative", "positive", "ultralow")
    return q.Expression(
        marker=rng.choice(w.MARKERS),
        any_of=some(rng, words) if not bounded or maybe(rng, 0.15) else (),
        score=score,
        within=_within(rng, 0.2),
        pick=_pick(rng),
        methods=some(rng, ("ihc", "22C3")) if maybe(rng, 0.15) else (),
        **(_bounds(rng, values) if bounded else {}),
    )


def _prior_therapy(rng: Random) -> q.PriorTherapy:
    asked: dict[str, Any] = {
        "drugs": lambda: some(rng, w.DRUGS),
        "classes": lambda: some(rng, w.CLASSES),
        "categories": lambda: some(rng, ("systemic", "radiation", "surgery", "transplant", "other")),
        "intents": lambda: some(rng, ("adjuvant", "neoadjuvant", "palliative")),
        "outcomes": lambda: some(rng, ("cr", "pr", "pd")),
        "stop_reasons": lambda: some(rng, ("toxicity", "progression", "completed")),
    }
    names = rng.sample(list(asked), rng.choice((0, 1, 1, 2)))
    counted: dict[str, Any] = rng.choice(({}, {}, {"min_lines": 1}, {"max_lines": 1}, {"min_lines": 1, "max_lines": 2}))
    lives = Decimal(rng.choice(("1", "2.5", "5"))) if maybe(rng, 0.2) else None
    leaf = q.PriorTherapy(
        **{name: asked[name]() for name in names}, **counted, **_windows(rng), within_half_lives=lives
    )
    return leaf if leaf != q.PriorTherapy() else q.PriorTherapy(max_lines=rng.randint(0, 2))


def _coded(rng: Random) -> dict[str, Any]:
    asked = rng.choice(("names", "names", "icd10", "snomed", "names icd10", "snomed codes")).split()
    words = {"names": w.NAMES, "icd10": w.NAME_ICD10, "snomed": w.NAME_SNOMED, "codes": w.OTHER_CODES}
    return {name: some(rng, words[name]) for name in asked}


def _condition(rng: Random) -> q.Condition:
    return q.Condition(**_coded(rng), active=optional(rng, (True, True, False), 0.4), **_windows(rng))


def _medication(rng: Random) -> q.Medication:
    return q.Medication(**_coded(rng), active=optional(rng, (True, True, False), 0.5))


def _procedure(rng: Random) -> q.Procedure:
    return q.Procedure(**_coded(rng), **_windows(rng))


def _allergy(rng: Random) -> q.Allergy:
    return q.Allergy(**_coded(rng))


def _lab(rng: Random) -> q.Lab:
    test = rng.choice(w.LAB_TESTS)
    usual = {"hgb": "hemoglobin", "718-7": "hemoglobin"}.get(test, test)
    unit = "xULN" if maybe(rng, 0.3) else rng.choice(w.LAB_UNITS[usual][:2])
    values = ("1.5", "2.5", "3") if unit == "xULN" else LAB_BOUNDS
    return q.Lab(test=test, unit=unit, within=_within(rng), pick=_pick(rng), **_bounds(rng, values))


LAB_BOUNDS: Final = ("1.5", "9", "90", "100", "1000")


def _vital(rng: Random) -> q.Vital:
    loinc = rng.choice(list(w.VITALS))
    return q.Vital(
        loinc=loinc, unit=w.VITALS[loinc][0], within=_within(rng), pick=_pick(rng), **_bounds(rng, LAB_BOUNDS)
    )


LEAVES: Final[Mapping[type[Any], Callable[[Random], Any]]] = {
    q.Age: _age, q.Sex: _sex, q.VitalStatus: _vital_status, q.Location: _location, q.Consent: _consent,
    q.Pregnancy: _pregnancy, q.Diagnosis: _diagnosis, q.Histology: _histology, q.Stage: _stage,
    q.DiseaseStatus: _disease_status, q.Performance: _performance, q.Variant: _variant, q.CopyNumber: _copy_number,
    q.Fusion: _fusion, q.WildType: _wild_type, q.Tested: _tested, q.Signature: _signature, q.Expression: _expression,
    q.PriorTherapy: _prior_therapy, q.Condition: _condition, q.Medication: _medication, q.Procedure: _procedure,
    q.Allergy: _allergy, q.Lab: _lab, q.Vital: _vital,
}  # fmt: skip
"""A maker of random leaves for each kind."""
_KINDS: Final = tuple(LEAVES)


def random_leaf(rng: Random, kind: type[Any] | None = None) -> Any:
    """Return a random leaf, of a kind where one is given."""
    return LEAVES[kind or rng.choice(_KINDS)](rng)


def random_criterion(rng: Random, depth: int = 3) -> Any:
    """Return a random criterion: a leaf, or a group of up to four criteria less deep."""
    shape = "leaf" if depth == 0 else rng.choices(("leaf", "not", "all", "any", "at_least"), (35, 15, 20, 20, 10))[0]
    if shape == "leaf":
        return random_leaf(rng)
    if shape == "not":
        return q.Not(of=random_criterion(rng, depth - 1))
    members = tuple(random_criterion(rng, depth - 1) for _ in range(rng.randint(1, 4)))
    if shape == "at_least":
        return q.AtLeast(count=rng.randint(1, len(members)), of=members)
    return q.All(of=members) if shape == "all" else q.Any(of=members)


def random_trial(rng: Random) -> tuple[Trial, Trial]:
    """Return a random trial that registration accepts: as it is written, and with its terms in standard form."""
    while True:
        written = Trial(
            id=f"T{rng.randrange(1000)}",
            sites=w.SITES_OF_TRIALS,
            criteria=_row(rng) if maybe(rng, 0.4) else random_criterion(rng),
            arms=tuple(_arm(rng, code) for code in "ABC"[: rng.choice((0, 0, 0, 1, 2))]),
        )
        problems = Problems()
        standard = resolved(written, problems)
        if not problems.refused:
            return written, standard


def _row(rng: Random) -> q.All:
    """Return what most trials are: a list of criteria that must all be met, many of them on genes."""
    genomic = tuple(random_leaf(rng, rng.choice((q.Variant, q.WildType, q.CopyNumber, q.Fusion))) for _ in range(2))
    return q.All(of=(*genomic, *(random_criterion(rng, 1) for _ in range(rng.randint(0, 2)))))


def _arm(rng: Random, code: str) -> Arm:
    levels = tuple(
        DoseLevel(code=str(n), status=rng.choice(STATUSES), criteria=_own(rng)) for n in range(rng.choice((0, 0, 1, 2)))
    )
    return Arm(code=code, status=rng.choice(STATUSES), criteria=_own(rng), dose_levels=levels)


def _own(rng: Random) -> Any:
    return random_criterion(rng, 1) if maybe(rng, 0.7) else None
