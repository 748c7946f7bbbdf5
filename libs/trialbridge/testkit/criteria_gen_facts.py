"""Random patients for random criteria: every kind of fact, with what makes an answer unknown as often as what settles it.

Genes by alias, coverage and none, partial dates at the bounds of periods, facts of the future, units that convert and units
that do not, records that contradict each other, numbers that are none, and codes that no table has.
"""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any, Final, cast

from trialbridge.criteria import facts as f
from trialbridge.testkit import criteria_gen_words as w
from trialbridge.testkit.criteria_gen import CALLS, STATUS_WORDS
from trialbridge.testkit.criteria_gen_words import coding, evidence, maybe, optional, partial_date, some

Maker = Callable[[Random, date], f.AnyFact]


def _base(rng: Random, as_of: date) -> dict[str, Any]:
    return {"evidence": evidence(rng), "effective": partial_date(rng, as_of)}


def _number(rng: Random, values: tuple[str, ...]) -> Decimal:
    return Decimal(rng.choice(("NaN", "Infinity", "1E+31", "0")) if maybe(rng, 0.03) else rng.choice(values))


def _birth(rng: Random, as_of: date) -> str:
    """Return a birth date a day around an age that criteria ask for, on leap day, or as a month or a year alone."""
    years, days = rng.choice((0, 12, 18, 18, 19, 65, 66, 75, 76)), rng.choice((0, 30, 31, 56, 60, 180, 182, 184, 365))
    year = as_of.year - years
    if maybe(rng, 0.1):
        return f"{year - year % 4}-02-29"
    month, day = (as_of.month, as_of.day) if (as_of.month, as_of.day) != (2, 29) else (3, 1)
    back = days if years == 0 else 0
    born = date(year, month, day) - timedelta(days=back - rng.choice((-1, 0, 1)))
    return rng.choice((born.isoformat(),) * 6 + (born.isoformat()[:7], born.isoformat()[:4], "unknown"))


def _demographics(rng: Random, as_of: date) -> f.Demographics:
    said = rng.randrange(5)
    return f.Demographics(
        evidence=evidence(rng),
        birth_date=_birth(rng, as_of) if said != 0 else None,
        sex=optional(rng, ("male", "female", "female", "other", "unknown"), 0.7),
        deceased=optional(rng, (False, False, True), 0.5),
        deceased_date=partial_date(rng, as_of) if maybe(rng, 0.1) else None,
    )


def _tumour_codes(rng: Random) -> tuple[f.Coding, ...]:
    made = (
        lambda: coding(rng, rng.choice(w.ONCOTREE_URIS), w.TERMS),
        lambda: coding(rng, rng.choice(w.ONCOTREE_URIS), w.TERMS),
        lambda: coding(rng, w.ICD10, w.TUMOUR_ICD10),
        lambda: coding(rng, w.SNOMED, w.TUMOUR_SNOMED, (None, None, "Adenocarcinoma of lung")),
        lambda: coding(rng, w.ICD9, w.TUMOUR_ICD9, (None, None, "Lung adenocarcinoma")),
        lambda: coding(rng, None, ("LUAD", "?"), ("Lung adenocarcinoma", "tumour", None)),
        lambda: coding(rng, w.ICDO3, (*w.SHAPES, *w.PLACES)),
    )
    return tuple(rng.choice(made)() for _ in range(rng.choice((1, 1, 1, 2))))


def _diagnosis(rng: Random, as_of: date) -> f.Diagnosis:
    shapes: tuple[tuple[str | None, tuple[str, ...]], ...] = (
        (w.ICDO3, w.SHAPES),
        (w.ICDO3, w.SHAPES),
        (w.SNOMED, ("35917007", "28899001", "1")),
        (None, ("x",)),
    )
    texts = (None, None, None, "Adenocarcinoma, NOS", "squamous cell carcinoma")
    primary = not maybe(rng, 0.15)
    return f.Diagnosis(
        **_base(rng, as_of),
        codes=_tumour_codes(rng) if primary else (coding(rng, w.SNOMED, ("94381002", "94222008", "94225005")),),
        morphology=tuple(
            coding(rng, system, codes, texts) for system, codes in rng.choices(shapes, k=rng.choice((0, 0, 1, 2)))
        ),
        site=(coding(rng, w.ICDO3, w.PLACES),) if maybe(rng, 0.2) else (),
        primary=primary,
        excluded=maybe(rng, 0.15),
        status=rng.choice((None, None, None, "active", "recurrence", "remission", "inactive", "resolved", "resolved")),
    )


def _stage(rng: Random, as_of: date) -> f.Stage:
    parts = {"group": w.GROUPS, "t": w.T_WORDS, "n": w.N_WORDS, "m": w.M_WORDS}
    given = rng.sample(list(parts), rng.choice((0, 1, 1, 2, 4)))
    said: dict[str, Any] = {x: w.UNSAID[x] if maybe(rng, 0.1) else rng.choice(parts[x]) for x in given}
    site = f.Coding(system=w.SNOMED, code=rng.choice(("10200004", "94222008", "12738006", "1")))
    return f.Stage(
        **_base(rng, as_of),
        **said,
        metastatic=optional(rng, (True, False), 0.25),
        metastatic_sites=rng.choice(((), (), (site,), (f.Coding(text="Liver structure"),))),
        cns_metastases=optional(rng, ("none", "active", "treated", "present"), 0.3),
    )


def _disease_status(rng: Random, as_of: date) -> f.DiseaseStatus:
    usual = ("responding", *(word for word in STATUS_WORDS if word != "metastatic"))
    return f.DiseaseStatus(**_base(rng, as_of), status=rng.choice(usual if maybe(rng, 0.9) else STATUS_WORDS))


def _performance(rng: Random, as_of: date) -> f.Performance:
    scale: Any = rng.choice(("ecog", "ecog", "karnofsky", "lansky"))
    values = (0, 1, 2, 3, 5) if scale == "ecog" else (40, 50, 60, 70, 80, 85, 90, 100)
    return f.Performance(**_base(rng, as_of), scale=scale, value=rng.choice(values))


def _gene(rng: Random) -> str:
    return rng.choice(w.GENES) if maybe(rng, 0.95) else rng.choice(w.UNLISTED_GENES)


def _variant(rng: Random, as_of: date) -> f.Variant:
    change = rng.choice(w.SILENT if maybe(rng, 0.1) else w.NO_CHANGES if maybe(rng, 0.1) else w.CHANGES)
    return f.Variant(
        **_base(rng, as_of),
        gene=_gene(rng),
        present=not maybe(rng, 0.2),
        protein_change=change if maybe(rng, 0.7) else None,
        coding_change=optional(rng, (*w.CODING, "unknown"), 0.3),
        exon=optional(rng, ("15", "exon 19", "20/28", "n/a"), 0.4),
        effect=optional(rng, (*w.EFFECTS, "odd effect"), 0.4),
        source_class=rng.choice(("somatic", "somatic", "germline", "unknown")),
        allele_fraction=_number(rng, ("0.05", "0.049", "0.2", "0.3")) if maybe(rng, 0.5) else None,
        significance=optional(rng, ("pathogenic", "Likely pathogenic", "benign", "likely benign", " "), 0.4),
        oncogenic=optional(rng, (True, True, False), 0.5),
        tier=optional(rng, ("I", "II", "III", "IV"), 0.4),
        molecular_function=optional(rng, ("activating", "inactivating"), 0.4),
    )


def _copy_number(rng: Random, as_of: date) -> f.CopyNumber:
    return f.CopyNumber(
        **_base(rng, as_of),
        gene=_gene(rng),
        present=not maybe(rng, 0.3),
        call=optional(rng, CALLS, 0.8),
        copies=_number(rng, ("1", "2", "4", "6", "8")) if maybe(rng, 0.5) else None,
    )


def _fusion(rng: Random, as_of: date) -> f.Fusion:
    return f.Fusion(
        **_base(rng, as_of),
        gene=rng.choice((*w.GENES, "ALK", "ALK", "EML4")),
        partner=optional(rng, (*w.PARTNERS, "FOO1"), 0.7),
        present=not maybe(rng, 0.25),
        kind_of=rng.choice(("fusion", "fusion", "structural_variant")),
    )


def _coverage(rng: Random, as_of: date) -> f.Coverage:
    return f.Coverage(
        **_base(rng, as_of),
        genes=some(rng, (*w.GENES, "MLL"), 6),
        alterations=some(rng, ("mutation", "copy_number", "fusion"), 3),
        source_class=rng.choice(("somatic", "unknown", "germline")),
    )


def _signature(rng: Random, as_of: date) -> f.Signature:
    name: Any = rng.choice(("msi", "msi", "tmb", "tmb", "tmb", "mmr", rng.choice(list(w.SIGNATURES))))
    burden = name == "tmb"
    return f.Signature(
        **_base(rng, as_of),
        name=name,
        status=optional(rng, (*w.SIGNATURES[name], "indeterminate"), 0.4 if burden else 0.8),
        value=_number(rng, ("4.9", "5", "10", "10.5", "20", "30")) if maybe(rng, 0.8 if burden else 0.4) else None,
        unit=rng.choice(w.BURDEN_UNITS) if burden else optional(rng, ("1", "%"), 0.5),
        assay=optional(rng, w.ASSAYS, 0.6),
    )


def _marker(rng: Random, as_of: date) -> f.Marker:
    status: Any = optional(rng, ("positive", "negative", "equivocal", "low", "ultralow", "indeterminate"), 0.7)
    return f.Marker(
        **_base(rng, as_of),
        marker=rng.choice(w.MARKERS),
        status=status,
        score=_number(rng, ("0", "1", "2", "3", "10", "49", "50", "90")) if maybe(rng, 0.5) else None,
        score_kind=optional(rng, w.SCORES, 0.7),
        method=optional(rng, w.METHODS, 0.6),
    )


def _lab(rng: Random, as_of: date) -> f.Lab:
    name = rng.choice(("hemoglobin", "hemoglobin", "creatinine", "creatinine", *w.LOINC_OF))
    return f.Lab(
        **_base(rng, as_of),
        loinc=rng.choice(w.LOINC_OF[name]),
        value=_number(rng, LAB_VALUES),
        unit=rng.choice((*w.LAB_UNITS[name], w.LAB_UNITS[name][0], "parsec", None)),
        comparator=optional(rng, ("<", "<=", ">=", ">"), 0.15),
        upper_limit=_number(rng, ("1", "40", "1.2", "0", "-1", "60")) if maybe(rng, 0.6) else None,
    )


LAB_VALUES: Final = (
    "1",
    "1.5",
    "1.131200",
    "8.9",
    "9",
    "9.0",
    "10",
    "60",
    "90",
    "100",
    "120",
    "1000",
    "1500000",
    "0.9",
)


def _vital(rng: Random, as_of: date) -> f.Vital:
    loinc = rng.choice(list(w.VITALS))
    return f.Vital(
        **_base(rng, as_of),
        loinc=loinc,
        value=_number(rng, (*LAB_VALUES, "9000", "198.41603959063")),
        unit=rng.choice((*w.VITALS[loinc], w.VITALS[loinc][0], None)),
        comparator=optional(rng, ("<", "<=", ">=", ">"), 0.15),
    )


def _therapy(rng: Random, as_of: date) -> f.Therapy:
    category: Any = rng.choice(("systemic", "systemic", "systemic", "radiation", "surgery", "transplant", "other"))
    named = category == "systemic" and maybe(rng, 0.85)
    effective = partial_date(rng, as_of) if maybe(rng, 0.3) else None
    return f.Therapy(
        evidence=evidence(rng),
        effective=effective,
        drugs=some(rng, w.DRUGS) if named else (),
        category=category,
        intent=optional(rng, ("adjuvant", "neoadjuvant", "palliative"), 0.5),
        line=optional(rng, (1, 2, 3), 0.5),
        start=partial_date(rng, as_of) if maybe(rng, 0.7) else None,
        end=partial_date(rng, as_of) if maybe(rng, 0.5) else None,
        ongoing=optional(rng, (True, False, False), 0.5),
        outcome=optional(rng, ("cr", "pr", "pd"), 0.5),
        stop_reason=optional(rng, ("Toxicity", "progression", "completed", "moved away"), 0.5),
        given=not maybe(rng, 0.2),
    )


def _history(rng: Random, as_of: date) -> f.TherapyHistory:
    return f.TherapyHistory(**_base(rng, as_of), complete=maybe(rng, 0.8), lines=optional(rng, (0, 1, 2, 3), 0.3))


def _codes(rng: Random) -> tuple[f.Coding, ...]:
    made = (
        lambda: coding(rng, w.ICD10, w.NAME_ICD10),
        lambda: coding(rng, w.SNOMED, w.NAME_SNOMED),
        lambda: coding(rng, None, ("x",), w.NAMES),
        lambda: coding(rng, "http://www.nlm.nih.gov/research/umls/rxnorm", w.OTHER_CODES),
    )
    return tuple(rng.choice(made)() for _ in range(rng.choice((1, 1, 2))))


def _condition(rng: Random, as_of: date) -> f.Condition:
    active = optional(rng, (True, False), 0.6)
    return f.Condition(**_base(rng, as_of), codes=_codes(rng), present=not maybe(rng, 0.35), active=active)


def _medication(rng: Random, as_of: date) -> f.Medication:
    names = some(rng, ("diabetes", "stroke", "ankle sprain", "HIV")) if maybe(rng, 0.4) else ()
    codes = _codes(rng) if not names or maybe(rng, 0.5) else ()
    return f.Medication(**_base(rng, as_of), names=names, codes=codes, active=optional(rng, (True, False, False), 0.7))


def _procedure(rng: Random, as_of: date) -> f.Procedure:
    return f.Procedure(**_base(rng, as_of), codes=_codes(rng))


def _allergy(rng: Random, as_of: date) -> f.Allergy:
    if maybe(rng, 0.15):
        return f.Allergy(**_base(rng, as_of), codes=(coding(rng, w.SNOMED, ("716186003",)),), present=False)
    return f.Allergy(**_base(rng, as_of), codes=_codes(rng), present=not maybe(rng, 0.5))


def _pregnancy(rng: Random, as_of: date) -> f.Pregnancy:
    return f.Pregnancy(**_base(rng, as_of), status=rng.choice(("pregnant", "not_pregnant", "unknown")))


def _location(rng: Random, as_of: date) -> f.Location:
    degrees = [Decimal(part) for part in rng.choice(w.HOMES)] if maybe(rng, 0.3) else [None, None]
    return f.Location(
        **_base(rng, as_of),
        country=optional(rng, (*w.COUNTRIES, "USA", ""), 0.8),
        region=optional(rng, (*w.REGIONS, *w.STATES), 0.6),
        postal_code=optional(rng, w.ZIPS, 0.4),
        latitude=degrees[0],
        longitude=degrees[1] if not maybe(rng, 0.05) else None,
    )


def _consent(rng: Random, as_of: date) -> f.Consent:
    return f.Consent(
        **_base(rng, as_of),
        scope=rng.choice(("research", "sharing")),
        decision=rng.choice(("permit", "deny")),
        period_start=partial_date(rng, as_of) if maybe(rng, 0.3) else None,
        period_end=partial_date(rng, as_of) if maybe(rng, 0.3) else None,
    )


MAKERS: Final[tuple[tuple[Maker, int], ...]] = (
    (_demographics, 2), (_diagnosis, 3), (_stage, 3), (_disease_status, 3), (_performance, 3), (_variant, 6),
    (_copy_number, 5), (_fusion, 4), (_coverage, 2), (_signature, 8), (_marker, 8), (_lab, 10), (_vital, 4), (_therapy, 4),
    (_history, 1), (_condition, 6), (_medication, 4), (_procedure, 3), (_allergy, 6), (_pregnancy, 2), (_location, 2),
    (_consent, 3),
)  # fmt: skip
"""How a fact of each kind is made, and the most that a patient has of it."""


def random_facts(rng: Random, as_of: date) -> tuple[f.AnyFact, ...]:
    """Return the facts of a random patient, as they are around a day; any kind may be missing altogether."""
    facts = [make(rng, as_of) for make, most in MAKERS for _ in range(rng.randint(0, most) if maybe(rng, 0.85) else 0)]
    facts += [fact for fact in facts if maybe(rng, 0.02)]
    facts += _workup(rng, as_of) if maybe(rng, 0.4) else []
    rng.shuffle(facts)
    return tuple(facts)


def _workup(rng: Random, as_of: date) -> list[f.AnyFact]:
    """Return the results that one day of a pathologist brings: counts of HER2's gene with a stain, the stains of mismatch repair."""
    base = _base(rng, as_of)
    method = optional(rng, w.METHODS, 0.3)
    results: list[tuple[str, Any, str | None, Any]] = [
        ("HER2", _number(rng, ("1.2", "1.99", "2", "2.4")), None, "ratio"),
        ("ERBB2", _number(rng, ("2", "3.9", "4", "5.9", "6", "8")), None, "copies"),
        ("HER2", _number(rng, ("1", "2", "2", "3")), rng.choice((None, None, "equivocal", "negative")), "ihc"),
        ("HER2/neu", _number(rng, ("1.5", "2.2")), rng.choice((None, "positive")), rng.choice(("ratio", "copies"))),
    ]
    found = [rng.random() < chance for chance in (0.8, 0.8, 0.5, 0.1)]
    made: list[f.AnyFact] = [
        f.Marker(**base, marker=name, score=score, status=cast("Any", status), score_kind=kind, method=method)
        for (name, score, status, kind), kept in zip(results, found, strict=True)
        if kept
    ]
    for protein in ("MLH1", "MSH2", "MSH6", "PMS2", "mlh1"):
        if maybe(rng, 0.1 if protein == "mlh1" else 0.9):
            kept = cast("Any", "positive" if maybe(rng, 0.9) else rng.choice(("negative", "equivocal", None)))
            day = base if maybe(rng, 0.95) else _base(rng, as_of)
            made.append(f.Marker(**day, marker=protein, status=kept, method=optional(rng, w.METHODS, 0.1)))
    return made


def changed_facts(rng: Random, facts: tuple[f.AnyFact, ...], as_of: date) -> tuple[f.AnyFact, ...]:
    """Return the facts of a patient with a few of them gone and one or two others come."""
    kept = [fact for fact in facts if not maybe(rng, 0.1)]
    more = [rng.choice(MAKERS)[0](rng, as_of) for _ in range(rng.randint(0, 2))]
    return (*kept, *more)
