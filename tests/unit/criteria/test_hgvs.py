"""Protein changes: every spelling of one change is the same change, and no text is a crash."""

import time
from collections.abc import Iterator, Sequence
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.criteria.conftest import Judge
from trialbridge.criteria import facts as f
from trialbridge.criteria import hgvs
from trialbridge.criteria.hgvs_protein import LONGEST, ProteinChange, Residue, read

WORDS = "AlaA ArgR AsnN AspD CysC GlnQ GluE GlyG HisH IleI LeuL LysK MetM PheF ProP PylO SecU SerS ThrT TrpW TyrY ValV"
NAMES = {name[3]: name[:3] for name in WORDS.split()}
AMINO = st.sampled_from(sorted(NAMES))
STOPS = {1: ("*", "X", "Ter", "Stop"), 3: ("Ter", "*", "Stop")}


def residues(low: int = 1) -> st.SearchStrategy[Residue]:
    return st.builds(Residue, AMINO, st.integers(low, 40_000))


def pairs(most: int) -> st.SearchStrategy[tuple[Residue, Residue]]:
    """Return two residues, the second up to ``most`` behind the first."""
    return st.builds(
        lambda one, letter, more: (one, Residue(letter, one.number + more)), residues(), AMINO, st.integers(1, most)
    )


def sequences(least: int = 1) -> st.SearchStrategy[str]:
    return st.text(alphabet=sorted(NAMES), min_size=least, max_size=12)


@st.composite
def changes(draw: st.DrawFn) -> ProteinChange:
    """Return a change of any kind, in parts."""
    one, (first, last), new, count = draw(residues(2)), draw(pairs(40)), draw(AMINO), str(draw(st.integers(1, 9_999)))
    beside = draw(pairs(1))
    stop = Residue("*", one.number)
    other = next(letter for letter in sorted(NAMES) if letter != one.letter) if new == one.letter else new
    longer, told = draw(sequences(2)), draw(st.sampled_from(("", count)))
    start = Residue("M", 1)
    return draw(st.sampled_from((
        ProteinChange("position", one, one),
        ProteinChange("position", first, last),
        ProteinChange("synonymous"),
        ProteinChange("synonymous", one, one),
        ProteinChange("synonymous", stop, stop),
        ProteinChange("unknown"),
        ProteinChange("unknown", start, start),
        ProteinChange("no_protein"),
        ProteinChange("substitution", one, one, other),
        ProteinChange("substitution", one, one, "*"),
        ProteinChange("substitution", stop, stop, other),
        ProteinChange("frameshift", one, one, extent=told),
        ProteinChange("frameshift", one, one, other, told),
        ProteinChange("deletion", one, one),
        ProteinChange("deletion", first, last),
        ProteinChange("duplication", one, one),
        ProteinChange("duplication", first, last),
        ProteinChange("insertion", *beside, longer),
        ProteinChange("insertion", *beside, f"{longer}*"),
        ProteinChange("insertion", *beside, f"[{count}]"),
        ProteinChange("indel", one, one, longer),
        ProteinChange("indel", first, last, draw(sequences())),
        ProteinChange("indel", first, last, f"{longer}*"),
        ProteinChange("indel", first, last, f"[{count}]"),
        ProteinChange("extension", stop, stop, other, told),
        ProteinChange("extension", stop, stop, extent=told),
        ProteinChange("extension", start, start, extent=f"-{count}"),
        ProteinChange("repeat", one, one, extent=count),
        ProteinChange("repeat", first, last, extent=count),
    )))  # fmt: skip


def letters(text: str, size: int) -> Iterator[str]:
    """Yield residues in names of one or three letters, with each way to write a stop at their end."""
    body = text.removesuffix("*")
    plain = body if size == 1 else "".join(NAMES[letter] for letter in body)
    # In a run of one-letter names, Ter and Stop would be residues.
    ends = STOPS[size] if not body else ("*", "X") if size == 1 else ("Ter", "*")
    yield from (plain + end for end in ends) if text.endswith("*") else (plain,)


def places(change: ProteinChange, size: int) -> Iterator[str]:
    assert change.first is not None
    assert change.last is not None
    for first, last in product(starts(change.first, size), starts(change.last, size)):
        yield first if change.first == change.last else f"{first}_{last}"
        if change.first != change.last:
            yield f"{first}-{last}"


def starts(one: Residue, size: int) -> Iterator[str]:
    names = STOPS[size][: 3 if size == 1 else 2] if one.letter == "*" else tuple(letters(one.letter, size))
    yield from (f"{name}{one.number}" for name in names)


def said(change: ProteinChange, size: int) -> Iterator[str]:
    """Yield what comes behind the place, in each spelling."""
    assert change.first is not None
    assert change.last is not None
    new = tuple(letters(change.new, size)) if not change.new.startswith("[") else counted(change.new)
    ends = tuple(f"{stop}{change.extent}" for stop in STOPS[size]) if change.extent else ("", "*", "*?", "Ter", "Ter?")
    length = change.last.number - change.first.number + 1
    single = tuple(letters(change.first.letter, size)) if length == 1 else ()
    yield from {
        "position": ("",),
        "synonymous": ("=", "%3D", *(single if change.first.letter != "*" else ("*", "Ter"))),
        "unknown": ("?",),
        "substitution": (*new, *(f">{one}" for one in new), *(f"delins{one}" for one in inside(change, new, size))),
        "frameshift": tuple(f"{one}fs{end}" for one in (new or ("",)) for end in ends),
        "deletion": ("del", f"del{length}", *(f"del{one}" for one in single)),
        "duplication": ("dup", f"dup{length}", *(f"dup{one}" for one in single)),
        "insertion": tuple(f"ins{one}" for one in new),
        "indel": (
            *(f"delins{one}" for one in new),
            *(f">{one}" for one in new if length > 1),
            *(f"del{length}ins{one}" for one in new),
        ),
        "extension": tuple(f"{one}ext{end}" for one in (new or ("",)) for end in extents(change, size)),
        "repeat": (f"[{change.extent}]",),
        "no_protein": (),
    }[change.kind]


def inside(change: ProteinChange, new: Sequence[str], size: int) -> Iterator[str]:
    """Yield spellings of one residue that mean it in a run of residues too: among one-letter names, Ter is three of them."""
    named = change.first is not None and change.first.letter != "*"
    yield from (one for one in new if named and (len(one) == size or one == "*"))


def counted(new: str) -> Sequence[str]:
    number = new[1:-1]
    return (new, f"({number})", f"Xaa[{number}]", f"X[{number}]", number)


def extents(change: ProteinChange, size: int) -> Sequence[str]:
    if change.extent.startswith("-"):
        return (change.extent, f"Met{change.extent}")
    if not change.extent:
        return ("", "*", "*?", "Ter?")
    return tuple(f"{stop}{change.extent}" for stop in STOPS[size])


WHOLE = {"synonymous": ("=",), "unknown": ("?",), "no_protein": ("0", "0?")}
AROUND = (
    "{}", "p.{}", "p.({})", "({})", "P.{}", "p.[{}]", "p.[({})]", " p. {} ", "NP_004324.2:p.{}", "NP_004324.2:p.({})",
    "BRAF:p.{}", "BRAF p.{}", "NM_004333.6(BRAF):c.1799T>A (p.{})", "(p.{})", "ENSP00000288602:{}",
)  # fmt: skip


def spellings(change: ProteinChange) -> Iterator[str]:
    if change.first is None:
        yield from WHOLE[change.kind]
        return
    for size in (1, 3):
        for place, what in product(places(change, size), said(change, size)):
            yield place + what


@given(changes(), st.sampled_from(AROUND), st.sampled_from((str, str.lower, str.upper)))
def test_every_spelling_of_a_change_is_that_change(change: ProteinChange, around: str, case: type[str]) -> None:
    for spelling in spellings(change):
        text = around.format(case(spelling))
        assert read(text) == change, text
        assert hgvs.normal(text) == str(change), text


@given(changes(), changes())
def test_different_changes_stay_apart(one: ProteinChange, other: ProteinChange) -> None:
    assert (str(one) == str(other)) == (one == other)


@given(st.text() | st.text(alphabet="pPVv.()[]_*?=0123456789EGlyValTerfsdelinsdupextX-:>;% ", max_size=60))
def test_no_text_is_a_crash_and_the_one_spelling_stands_for_itself(text: str) -> None:
    found = hgvs.normal(text)
    assert found is None or hgvs.normal(found) == found
    assert hgvs.coding(hgvs.coding(text) or text) == hgvs.coding(text)
    for function in (hgvs.position, hgvs.substitution_at, hgvs.is_synonymous, hgvs.codon_of, hgvs.effect):
        function(text)


LONG = 3_000_000


@pytest.mark.parametrize("text", [
    "p." * (LONG // 2), "(" * LONG, "V600_" * (LONG // 5), "Val600" * (LONG // 6), "p.V600delins" + "A" * LONG, ":" * LONG,
    "9" * LONG, "p.V" + "6" * LONG + "E", " " * LONG + "V600E", "c." + "1" * LONG, "c.1_2delins" + "ACGT" * (LONG // 4),
])  # fmt: skip
@pytest.mark.usefixtures("calm")
def test_hostile_length_costs_nothing(text: str) -> None:
    started = time.process_time()
    assert hgvs.normal(text) is None
    assert hgvs.coding(text) is None
    assert time.process_time() - started < 0.5


@pytest.mark.parametrize("seed", [
    "p." * LONGEST, "(" * LONGEST, "Val" * LONGEST, "V600delins" + "Ala" * LONGEST, "1_" * LONGEST, "(p." * LONGEST, "fs" * LONGEST,
    "12" * LONGEST, "del" * LONGEST, "ins" * LONGEST, "ACGT" * LONGEST,
])  # fmt: skip
@pytest.mark.usefixtures("calm")
def test_the_work_is_linear_up_to_the_cap(seed: str) -> None:
    started = time.process_time()
    for text in (seed[:LONGEST], "c.1_2delins" + seed[: LONGEST - 11], "V600delins" + seed[: LONGEST - 10]):
        read(text)
        hgvs.coding(text)
    assert time.process_time() - started < 0.1


@pytest.mark.parametrize("text", [
    "", "p.", "amplified", "exon 19 deletion", "XV600E", "p.XV600E", "V600EE", "p.600", "V0600E", "V0E", "insG", "E746_A750delKKKKK",
    "E746_A750del4", "K601_V600del", "V600_V600del", "p.[V600E;K601E]", "Gly12_Val15insA", "p.(Gly12Val^Ala)", "G12BfsZ", "B12A",
    "V600*E", "p.Xaa12G", "V1234567E", "V600E V600K", "G12_G13=G", "p.V600Exaa", "M2ext-5", "V600ext*3", "K2_L3ins", "K2_L3delins",
    "V600E\N{ZERO WIDTH SPACE}", "V\N{ARABIC-INDIC DIGIT SIX}00E", "c.1799T>A",
])  # fmt: skip
def test_what_is_no_change_is_not_guessed(text: str) -> None:
    assert hgvs.normal(text) is None
    assert hgvs.effect(text) is None
    assert hgvs.codon_of(text) is None


@pytest.mark.parametrize(("text", "at"), [
    ("p.V600E", "V600"), ("p.(Val600Lys)", "V600"), ("V600delinsE", "V600"), ("V600Xaa", "V600"), ("p.V600*", None),
    ("V600X", None), ("*110Q", None), ("V600=", None), ("V600V", None), ("V600fs", None), ("p.V600_K601delinsE", None),
    ("V600", None), ("XV600E", None),
])  # fmt: skip
def test_a_position_is_met_by_one_substitution_alone(text: str, at: str | None) -> None:
    assert hgvs.substitution_at(text) == at


@pytest.mark.parametrize(("text", "place"), [
    ("p.V600", "V600"), ("Val600", "V600"), ("p.(Val600)", "V600"), ("v600", "V600"), ("*110", None), ("E746_A750", None),
    ("V600E", None), ("600", None),
])  # fmt: skip
def test_positions(text: str, place: str | None) -> None:
    assert hgvs.position(text) == place


@pytest.mark.parametrize(("text", "classes"), [
    ("V600E", "missense"), ("R97*", "nonsense"), ("R97X", "nonsense"), ("*110Q", "stop_lost"), ("G12=", "silent"),
    ("p.(=)", "silent"), ("R97Pfs*23", "frameshift_del frameshift_ins"), ("E746_A750del", "inframe_del"),
    ("D770_N771insG", "inframe_ins"), ("G12dup", "inframe_ins"), ("L747_P753delinsS", "inframe_del inframe_ins"),
    ("*110Qext*17", "start_lost stop_lost"), ("M1V", "missense start_lost"), ("M1?", "start_lost"), ("V600", ""),
    ("V600Xaa", ""), ("V600?", ""), ("p.?", ""), ("p.0", ""), ("A2[10]", ""),
])  # fmt: skip
def test_the_effects_that_a_change_may_have(text: str, classes: str) -> None:
    assert hgvs.effect(text) == (frozenset(classes.split()) or None)


@pytest.mark.parametrize(("text", "codons"), [
    ("V600E", (600, 600)), ("p.E746_A750del", (746, 750)), ("D770_N771insG", (770, 771)), ("R97fs", (97, 97)),
    ("*110Qext*17", (110, 110)), ("p.=", None), ("p.?", None),
])  # fmt: skip
def test_the_residues_that_a_change_touches(text: str, codons: tuple[int, int] | None) -> None:
    assert hgvs.codon_of(text) == codons


CODING = {
    "1799T>A": ("c.1799T>A", "NM_004333.4:c.1799T>A", "c.(1799T>A)", "c.1799t>a", "NM_004333.6(BRAF):c.1799T>A (p.Val600Glu)"),
    "2235_2249del": ("c.2235_2249del", "c.2235_2249del15", "c.2235_2249delGGAATTAAGAGAAGC"),
    "2240_2257delinsAA": ("c.2240_2257delinsAA", "c.2240_2257delTTinsAA"),
    "76dup": ("c.76dup", "c.76dupA"),
    "76-1G>A": ("c.76-1G>A",),
    "*5A>G": ("c.*5A>G",),
    "-14G>C": ("c.-14G>C",),
    "76=": ("c.76=",),
    "10_11insACG": ("c.10_11insACG",),
}  # fmt: skip


@pytest.mark.parametrize(("plain", "text"), [(plain, text) for plain, texts in CODING.items() for text in texts])
def test_coding_changes(plain: str, text: str) -> None:
    assert hgvs.coding(text) == plain


@pytest.mark.parametrize(
    "text", ["", "c.", "V600E", "c.76ins", "c.76_77delins", "c.T>A", "c.1799T>", "c.76dupAinsT", "g.1A>Z"]
)
def test_what_is_no_coding_change(text: str) -> None:
    assert hgvs.coding(text) is None


@pytest.mark.parametrize(("recorded", "verdict"), [
    ("p.Val600Glu", "met"), ("NP_004324.2:p.(Val600Glu)", "met"), ("V600X", "not_met"), ("p.V600_K601delinsE", "not_met"),
    ("XV600E", "not_met"), ("V600delinsE", "met"), ("", "unknown"),
])  # fmt: skip
def test_a_trial_sees_through_the_spelling(judge: Judge, recorded: str, verdict: str) -> None:
    fact = f.Variant(gene="BRAF", protein_change=recorded, evidence=f.Evidence(resource="Observation/1"))
    assert judge("variant: {gene: BRAF, protein_change: [p.V600E]}", fact) == verdict
