"""The packaged tables hold together; imported ones come in force over them, and every verdict says which ones it rests on."""

from collections.abc import Iterator
from datetime import date

import msgspec
import pytest

from tests.unit.criteria.conftest import EVIDENCE, explain
from tests.unit.criteria.terms import BRAIN, HGNC, LUNG, LYMPH, MAPPINGS, TREE, encoded, node, table
from trialbridge.criteria import facts as f
from trialbridge.criteria.canonical import canonical_bytes, explanation_digest
from trialbridge.criteria.compiler import compile_text, load
from trialbridge.criteria.evaluate import evaluate
from trialbridge.criteria.known import FactIndex
from trialbridge.criteria.terminology import crosswalk, drugs, genes, oncotree, source, use, versions
from trialbridge.testkit import diseases
from trialbridge.testkit.oracle import tables as plain

AS_OF = date(2026, 6, 1)
ONCOTREE = "http://oncotree.mskcc.org"


@pytest.fixture(autouse=True)
def _packaged() -> Iterator[None]:
    yield
    use({})


def diagnosis(code: str = "", text: str | None = None, system: str = ONCOTREE) -> f.Diagnosis:
    coding = f.Coding(system=system if code else None, code=code or None, text=text)
    return f.Diagnosis(codes=(coding,), evidence=EVIDENCE)


def verdict(criteria: str, fact: f.AnyFact) -> str:
    return explain(criteria, [fact]).criteria[0].verdict.value


# What is packaged.


def test_the_packaged_tree_has_every_tissue_and_leads_to_one_from_everywhere() -> None:
    tissues = {code for code in oncotree.codes() if oncotree.level(code) == 1}
    assert len(tissues) == 32
    assert len(oncotree.codes()) - len(tissues) >= 300
    assert {oncotree.tissue(code) for code in oncotree.codes()} == tissues
    assert len({oncotree.main_type(code) for code in oncotree.codes()} - {""}) >= 100


def test_every_code_and_unique_name_means_itself() -> None:
    for code in oncotree.codes():
        assert oncotree.resolve(code) == oncotree.resolve(code.lower()) == code
        assert oncotree.coarse(code) == oncotree.former(code) == ""
        assert oncotree.resolve(oncotree.name(code).upper()) in (code, None)


def test_other_names_mean_terms_of_the_tree() -> None:
    for name, code, advice in source.rows("oncotree_names", 3):
        assert code.startswith("_") or oncotree.is_term(code), name
        assert oncotree.resolve(name) == code
        assert oncotree.coarse(name) == advice


@pytest.mark.parametrize(
    ("old", "new"), [("MM", "PCM"), ("GBM", "GB"), ("DLBCL", "DLBCLNOS"), ("CLL", "CLLSLL"), ("aastr", "ASTR")]
)
def test_a_former_code_means_the_current_one_and_registration_says_so(old: str, new: str) -> None:
    compiled = compile_text(f"id: T\ncriteria: {{diagnosis: {{oncotree: [{old}]}}}}")
    assert compiled.ok
    (warning,) = compiled.diagnostics
    assert (warning.severity, warning.code, warning.hint) == ("warning", "trial.former-term", f"write {new}")
    assert new in warning.message
    assert b'"' + new.encode() + b'"' in compiled.definition
    assert verdict(f"diagnosis: {{oncotree: [{new}]}}", diagnosis(old)) == "met"


@pytest.mark.parametrize(("term", "hint"), [
    ("ALL", "did you mean 'BLL' or 'TLL'?"), ("Sex Cord Stromal Tumor", "did you mean 'SCST' or 'TSCST'?"),
    ("Leukemia", "did you mean 'AML' or 'BLL' or 'CLLSLL' or 'CML' or 'TLL'?"),
    ("Yolk Sac Tumor", "did you mean 'BYST' or 'OYST' or 'TYST' or 'VYST'?"),
])  # fmt: skip
def test_what_means_several_terms_is_refused_with_the_choices(term: str, hint: str) -> None:
    (error,) = compile_text(f"id: T\ncriteria: {{diagnosis: {{oncotree: [{term}]}}}}").diagnostics
    assert (error.severity, error.code, error.hint) == ("error", "trial.coarse-term", hint)


def test_a_record_with_it_is_at_least_their_common_ancestor() -> None:
    assert verdict("diagnosis: {oncotree: [LNM]}", diagnosis("ALL")) == "met"
    assert verdict("diagnosis: {oncotree: [BLL]}", diagnosis("ALL")) == "unknown"
    assert verdict("diagnosis: {oncotree: [TESTIS]}", diagnosis(text="Yolk Sac Tumor")) == "unknown"


@pytest.mark.parametrize(("term", "code"), [
    ("Soft Tissue Sarcoma", "SOFT_TISSUE"), ("breast cancer", "BREAST"), ("Renal Cell Carcinoma", "RCC"), ("Mastocytosis", "MCD"),
    ("Eye Cancer", "EYE"), ("Hepatobiliary Cancer", None),
])  # fmt: skip
def test_main_types_of_one_branch_mean_its_top(term: str, code: str | None) -> None:
    assert oncotree.resolve(term) == code


def test_names_of_genes_are_clear_or_told_to_be_shared() -> None:
    rows = list(source.rows("genes", 3))
    symbols = [symbol for symbol, _, _ in rows]
    names = [name for _, cell, _ in rows for name in source.listed(cell)]
    shared = {name for _, _, cell in rows for name in source.listed(cell)}
    assert len(symbols) >= 500
    assert len(set(symbols)) == len(symbols)
    assert len(set(names)) == len(names), "one alias of two genes"
    assert not set(names) & set(symbols), "an alias that is another gene's symbol"
    assert not shared & ({*names, *symbols})
    assert all(name == name.upper() for name in (*symbols, *names, *shared))
    assert all(len(genes.choices(name)) > 1 for name in shared)
    for alias, symbol in (
        ("ERBB1", "EGFR"),
        ("HER2", "ERBB2"),
        ("MLL", "KMT2A"),
        ("H3F3A", "H3-3A"),
        ("c11orf30", "EMSY"),
    ):
        assert genes.approved(alias) == symbol


@pytest.mark.parametrize(
    ("name", "choices"), [("MLL2", "'KMT2B' or 'KMT2D'"), ("trk", "'NTRK1' or 'NTRK2' or 'NTRK3'")]
)
def test_a_shared_gene_name_is_refused_with_the_choices_and_never_guessed(name: str, choices: str) -> None:
    (error,) = compile_text(f"id: T\ncriteria: {{variant: {{gene: {name}}}}}").diagnostics
    assert (error.code, error.hint) == ("trial.ambiguous-gene", f"did you mean {choices}?")
    assert genes.canonical(name) == name.upper()
    for symbol in genes.choices(name):
        fact = f.Variant(gene=name, protein_change="p.R1H", evidence=EVIDENCE)
        assert verdict(f"variant: {{gene: {symbol}}}", fact) == "unknown"


def test_every_drug_has_known_classes_with_all_broader_ones() -> None:
    rows = list(source.rows("drugs", 3))
    broader = drugs.broader()
    names = [name for drug, _, cell in rows for name in (drug, *source.listed(cell))]
    assert len(rows) >= 250
    assert len(set(names)) == len(names)
    for drug, cell, _ in rows:
        classes = set(source.listed(cell))
        assert classes, drug
        assert classes == set().union(*(broader[one] for one in classes)), drug
    roots = {name for name, above in broader.items() if len(above) == 1}
    assert roots == {"chemotherapy", "hormone therapy", "immunotherapy", "monoclonal antibody", "radiopharmaceutical",
                     "supportive care", "targeted therapy"}  # fmt: skip


@pytest.mark.parametrize(("given", "asked", "answer"), [
    ("osimertinib", "kinase inhibitor", "met"), ("Tagrisso", "egfr inhibitor", "met"),
    ("osimertinib mesylate", "tyrosine kinase inhibitor", "met"),
    ("cetuximab", "egfr inhibitor", "met"), ("cetuximab", "kinase inhibitor", "unknown"), ("trastuzumab-dkst", "her2 therapy", "met"),
    ("dabrafenib", "kinase inhibitor", "met"), ("dabrafenib", "tyrosine kinase inhibitor", "unknown"), ("Keytruda", "immunotherapy", "met"),
    ("mystery-101", "kinase inhibitor", "unknown"),
])  # fmt: skip
def test_a_class_takes_in_the_narrower_ones(given: str, asked: str, answer: str) -> None:
    fact = f.Therapy(category="systemic", drugs=(given,), evidence=EVIDENCE)
    assert verdict(f"prior_therapy: {{classes: [{asked}]}}", fact) == answer


def test_codes_mean_terms_of_the_tree_once() -> None:
    rows = list(source.rows("crosswalk", 3))
    assert len({row[:2] for row in rows}) == len(rows)
    for system, code, terms in rows:
        assert all(oncotree.is_term(term) for term in terms.split("|")), (system, code)


DISEASES = {one.oncotree: one for one in vars(diseases).values() if isinstance(one, diseases.Disease)}


@pytest.mark.parametrize("code", sorted(DISEASES))
def test_every_coding_of_the_synthetic_patients_is_mapped(code: str) -> None:
    one = DISEASES[code]
    readings = (
        crosswalk.from_icd10(one.icd10), crosswalk.from_snomed(one.snomed), crosswalk.from_icdo3(one.icd10, one.morphology)
    )  # fmt: skip
    for terms in readings:
        assert terms
        assert any(oncotree.may_be(term, code) for term in terms)


@pytest.mark.parametrize(("code", "terms"), [
    ("C34.90", "LUNG"), ("c3490", "LUNG"), ("C22.0", "HCC"), ("C220", "HCC"), ("C22.9", "LIVER|BILIARY_TRACT"), ("C44.311", "BCC"),
    ("C4A.9", "MCC"), ("C92.40", "APLPMLRARA"), ("C83.30", "DLBCLNOS"), ("D45", "PV"), ("C79.3", ""), ("", ""), ("I10", ""),
])  # fmt: skip
def test_icd10_by_the_longest_beginning(code: str, terms: str) -> None:
    assert crosswalk.from_icd10(code) == tuple(terms.split("|") if terms else ())


@pytest.mark.parametrize(("site", "shape", "terms"), [
    ("C34.1", "8140/3", "LUAD"), ("C341", "8140/3", "LUAD"), ("C69.4", "8720/3", "UM"), ("C69.0", "8720/3", "OM"),
    ("C44.5", "8720/3", "MEL"),
    (None, "9861/3", "AML"), ("C42.1", "9861/3", "AML"), ("C34.1", "9999/3", "LUNG"), (None, "9999/3", ""), (None, None, ""),
])  # fmt: skip
def test_icdo3_by_site_category_or_shape_alone(site: str | None, shape: str | None, terms: str) -> None:
    assert crosswalk.from_icdo3(site, shape) == (tuple(terms.split("|")) if terms else ())


def test_the_oracle_reads_the_packaged_tables_the_same_way() -> None:
    former = [old for _, _, _, _, cell in source.rows("oncotree", 5) for old in source.listed(cell)]
    mains = {main for _, _, _, main, _ in source.rows("oncotree", 5)}
    for word in (*oncotree.spellings(), *former, *mains, "_SOLID_", "nothing of the kind"):
        assert plain.term(word) == oncotree.resolve(word), word
    rows = list(source.rows("crosswalk", 3))
    shapes = sorted({code.split()[1] for system, code, _ in rows if system == "icdo3"})
    sites = sorted({code.split()[0] for system, code, _ in rows if system == "icdo3"} - {"*"})
    for code in (*(code for system, code, _ in rows if system == "icd10"), *sites):
        for spelling in (code, f"{code}9", code.replace(".", ""), code.lower()):
            assert plain.of_icd10(spelling) == crosswalk.from_icd10(spelling), spelling
    for site in (None, *sites, "C34.1", "C341", "C99.9"):
        for shape in (*shapes, "9999/3"):
            assert plain.of_morphology(site, shape) == crosswalk.from_icdo3(site, shape), (site, shape)
    for name in (*genes.known(), "MLL2", "nothing"):
        assert plain.gene(name.lower()) == genes.canonical(name), name
    for name in drugs.known():
        assert plain.drug(name) == drugs.generic(name), name
        assert plain.drug_classes(name) == drugs.classes_of(name), name


# What is imported.


def test_an_imported_tree_stands_in_place_of_the_packaged_one() -> None:
    assert oncotree.resolve("LUSC") == "LUSC"
    use({"oncotree": table("oncotree", encoded(TREE))})
    assert (oncotree.resolve("LUSC"), oncotree.resolve("luad"), oncotree.former("OLDLUAD")) == (None, "LUAD", "LUAD")
    assert oncotree.resolve("lung cancer") == "LUNG"
    assert oncotree.resolve("lymphatic cancer, nos") == "LNM"
    assert oncotree.within("BLL", "_LIQUID_")
    assert not oncotree.within("BLL", "_SOLID_")
    assert crosswalk.from_icd10("C50") == ()
    use({})
    assert oncotree.resolve("LUSC") == "LUSC"
    assert crosswalk.from_icd10("C50") == ("BREAST",)


def test_packaged_names_fill_the_gaps_of_imported_genes() -> None:
    use({"genes": table("hgnc", HGNC.encode())})
    # HGNC alone; both, in HGNC's spelling; packaged alone; an approved symbol over an alias; no one's.
    assert [genes.approved(name) for name in ("ERRP", "c1orf127", "HER2", "ALL1", "TRX2", "MLL2")] == [
        "EGFR", "C1orf127", "ERBB2", "KMT2A", "TRX2", None]  # fmt: skip
    assert genes.choices("mll2") == ("KMT2B", "KMT2D")
    # What HGNC has for one gene is settled, though the packaged table says that several share it.
    assert genes.approved("MLL4") == "KMT2D"
    assert "MLL4" not in genes.shared()


def test_imported_drugs_win_and_packaged_ones_stay() -> None:
    use({"drugs": table("drugs", b"drug,classes,aliases\nosimertinib,brand new,osi\nex-101,egfr antibody,\n")})
    assert drugs.classes_of("OSI") == frozenset({"brand new"})
    assert drugs.classes_of("tagrisso") == frozenset({"brand new"})
    assert drugs.classes_of("ex-101") == drugs.broader()["egfr antibody"]
    assert drugs.generic("keytruda") == "pembrolizumab"


def test_imported_codes_win_and_packaged_ones_stay() -> None:
    use({"crosswalk": table("crosswalk", MAPPINGS.encode())})
    assert crosswalk.from_icdo3("C34.9", "8240/3") == ("LNET",)
    assert crosswalk.from_icdo3("C69.4", "8720/3") == ("UM",)
    assert crosswalk.from_icdo3("C77.0", "9690/3") == ("FL",)
    assert crosswalk.from_icdo3("C50.9", "8520/3") == ("ILC",)
    use({"crosswalk": table("crosswalk", b"system,code,oncotree\nicd10,C34,NSCLC\n")})
    assert (crosswalk.from_icd10("C34.1"), crosswalk.from_icd10("C50")) == (("NSCLC",), ("BREAST",))


# What a verdict says.

TRIAL = "id: T\ncriteria: {diagnosis: {oncotree: [LUAD]}}"


def explained(definition: bytes, *facts: f.AnyFact) -> list[bytes]:
    return [canonical_bytes(one) for one in evaluate(load(definition), FactIndex(facts), AS_OF, "p")]


def test_every_verdict_names_the_tables_that_it_rests_on() -> None:
    words = versions().split()
    assert [word.split("@")[0] for word in words] == list(source.NAMES)
    assert explain("age: {min: 18}", []).tables == versions()
    use(
        {
            "oncotree": table("oncotree", encoded(TREE), "2025_10_03"),
            "genes": table("hgnc", HGNC.encode(), "2026-01-06"),
        }
    )
    named = {word.rpartition("@")[0] for word in versions().split()}
    assert named == {*source.NAMES} - {"oncotree"} | {"oncotree:2025_10_03", "genes:2026-01-06"}
    assert explain("age: {min: 18}", []).tables == versions()


def test_another_release_is_another_explanation_by_that_field_alone() -> None:
    fact = diagnosis("LUAD")
    packaged = explain("diagnosis: {oncotree: [LUAD]}", [fact])
    use({"oncotree": table("oncotree", encoded(TREE), "v1")})
    first = explain("diagnosis: {oncotree: [LUAD]}", [fact])
    use({"oncotree": table("oncotree", encoded(TREE), "v2")})
    renamed = explain("diagnosis: {oncotree: [LUAD]}", [fact])
    use({"oncotree": table("oncotree", encoded({"TISSUE": node("TISSUE", "", LUNG, LYMPH)}), "v1")})
    cut = explain("diagnosis: {oncotree: [LUAD]}", [fact])
    every = (packaged, first, renamed, cut)
    assert len({one.tables for one in every}) == len({explanation_digest(one) for one in every}) == 4
    assert len({msgspec.structs.replace(one, tables="") for one in every}) == 1
    use({})
    assert explanation_digest(explain("diagnosis: {oncotree: [LUAD]}", [fact])) == explanation_digest(packaged)


def test_the_same_tables_are_the_same_bytes() -> None:
    definition = compile_text(TRIAL).definition
    use({"oncotree": table("oncotree", encoded(TREE))})
    once = explained(definition, diagnosis("LUAD"))
    use({})
    use({"oncotree": table("oncotree", encoded(TREE))})
    assert explained(definition, diagnosis("LUAD")) == once


def test_a_trial_keeps_its_meaning_when_the_next_release_renames_its_term() -> None:
    definition = compile_text(TRIAL).definition
    exact = compile_text("id: T\ncriteria: {diagnosis: {oncotree: [LUAD], descendants: false}}").definition
    renamed = node(
        "LUNG", "Lung", node("LUAD2", "Lung Adenocarcinoma", node("LUAD2A", "a kind of it"), history=["LUAD"])
    )
    use({"oncotree": table("oncotree", encoded({"TISSUE": node("TISSUE", "", renamed, LYMPH, BRAIN)}))})
    for plan, code, answer in (
        (definition, "LUAD", b'"met"'), (definition, "LUAD2", b'"met"'), (definition, "LUAD2A", b'"met"'), (definition, "GB", b'"not_met"'),
        (exact, "LUAD2", b'"met"'), (exact, "LUAD2A", b'"not_met"'), (exact, "LUNG", b'"unknown"'),
    ):  # fmt: skip
        assert answer in explained(plan, diagnosis(code))[0], (code, answer)


@pytest.mark.parametrize("extra", ["", ", descendants: false"])
def test_a_term_that_the_tables_do_not_have_is_unknown_and_no_crash(extra: str) -> None:
    definition = compile_text(f"id: T\ncriteria: {{diagnosis: {{oncotree: [IDC]{extra}}}}}").definition
    use({"oncotree": table("oncotree", encoded(TREE))})
    (found,) = evaluate(load(definition), FactIndex([diagnosis("GB")]), AS_OF, "p")
    assert found.criteria[0].verdict.value == "unknown"
    assert "IDC" in found.criteria[0].reason
