"""Trials that must be refused at registration, each with the path of its fault and, where a word is misspelt, with the right one."""

import copy
from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec

from trialbridge.contracts.errors import Place
from trialbridge.criteria.documents import TEXT_LIMIT
from trialbridge.testkit.badinputs.model import Asked, BadInput, Fault, Group

Document = dict[str, Any]
Spoil = Callable[[Document], object]
SITE: Final = {"id": "s1", "name": "Site", "status": "recruiting"}
BASE: Final[Document] = {
    "id": "TB-BAD-1",
    "title": "A trial",
    "phase": "II",
    "sites": [SITE],
    "criteria": {
        "all": [
            {"age": {"min": 18}},
            {"diagnosis": {"oncotree": ["LUAD"]}},
            {"lab": {"test": "alanine aminotransferase", "max": "3", "unit": "xULN", "within": {"days": 42}}},
        ]
    },
    "arms": [
        {"code": "A", "criteria": {"variant": {"gene": "EGFR", "protein_change": "p.L858R"}}},
        {"code": "B", "dose_levels": [{"code": "1", "criteria": {"fusion": {"gene": "ALK"}}}]},
    ],
}
CTML: Final[Document] = {
    "protocol_no": "TB-BAD-2",
    "long_title": "A trial",
    "status": "open",
    "treatment_list": {
        "step": [
            {
                "step_code": "1",
                "match": [{"clinical": {"age_numerical": ">=18", "oncotree_primary_diagnosis": "Melanoma"}}],
                "arm": [
                    {
                        "arm_code": "A",
                        "match": [
                            {
                                "genomic": {
                                    "hugo_symbol": "BRAF",
                                    "variant_category": "Mutation",
                                    "protein_change": "p.V600E",
                                }
                            }
                        ],
                    }
                ],
            }
        ]
    },
}


def at(document: Any, *steps: str | int) -> Any:
    """Return the value at a path."""
    for step in steps:
        document = document[step]
    return document


def put(value: Any, *steps: str | int) -> Spoil:
    """Return the change that sets the value at a path."""
    return lambda document: at(document, *steps[:-1]).__setitem__(steps[-1], value)


def rename(new: str, *steps: str | int) -> Spoil:
    """Return the change that renames the key at the end of a path."""

    def change(document: Document) -> None:
        holder = at(document, *steps[:-1])
        holder[new] = holder.pop(steps[-1])

    return change


def drop(*steps: str | int) -> Spoil:
    """Return the change that takes out the key at the end of a path."""
    return lambda document: at(document, *steps[:-1]).pop(steps[-1])


KEYS: Final[tuple[tuple[Spoil, str, str], ...]] = (
    (rename("titel", "title"), "titel", "title"),
    (rename("fase", "phase"), "fase", "phase"),
    (rename("arm", "arms"), "arm", "arms"),
    (rename("Criteria", "criteria"), "Criteria", "criteria"),
    (rename("nam", "sites", 0, "name"), "sites[0].nam", "name"),
    (rename("cod", "arms", 0, "code"), "arms[0].cod", "code"),
    (rename("doselevels", "arms", 1, "dose_levels"), "arms[1].doselevels", "dose_levels"),
    (rename("criterion", "arms", 1, "dose_levels", 0, "criteria"), "arms[1].dose_levels[0].criterion", "criteria"),
    (rename("al", "criteria", "all"), "criteria.al", "all"),
    (rename("AND", "criteria", "all"), "criteria.AND", ""),
    (rename("agee", "criteria", "all", 0, "age"), "criteria.all[0].agee", "age"),
    (rename("minimum", "criteria", "all", 0, "age", "min"), "criteria.all[0].age.minimum", "min"),
    (rename("diagnose", "criteria", "all", 1, "diagnosis"), "criteria.all[1].diagnose", "diagnosis"),
    (
        rename("onkotree", "criteria", "all", 1, "diagnosis", "oncotree"),
        "criteria.all[1].diagnosis.onkotree",
        "oncotree",
    ),
    (rename("labs", "criteria", "all", 2, "lab"), "criteria.all[2].labs", "lab"),
    (rename("day", "criteria", "all", 2, "lab", "within", "days"), "criteria.all[2].lab.within.day", "days"),
    (rename("varient", "arms", 0, "criteria", "variant"), "arms[0].criteria.varient", "variant"),
    (rename("genes", "arms", 0, "criteria", "variant", "gene"), "arms[0].criteria.variant.genes", "gene"),
    (put({"x": 1}, "criteria", "all", 0), "criteria.all[0].x", ""),
    (put("a", "notes"), "notes", ""),
)
"""Unknown keys of native trials: the change, the path, and what is advised."""
CTML_KEYS: Final[tuple[tuple[Spoil, str, str], ...]] = (
    (rename("long_titel", "long_title"), "long_titel", "long_title"),
    (rename("step_cod", "treatment_list", "step", 0, "step_code"), "treatment_list.step[0].step_cod", "step_code"),
    (
        rename("arm_kode", "treatment_list", "step", 0, "arm", 0, "arm_code"),
        "treatment_list.step[0].arm[0].arm_kode",
        "arm_code",
    ),
)
LAST: Final = ("criteria", "all", 0)
FAULTS: Final[tuple[tuple[str, Spoil, str, str], ...]] = (
    ("no id", drop("id"), "trial.no-id", "id"), ("blank id", put(" ", "id"), "trial.no-id", "id"),
    ("long id", put("x" * 121, "id"), "trial.bad-id", "id"), ("an id of two lines", put("a\nb", "id"), "trial.bad-id", "id"),
    ("another number", put("NCT12", "nct_id"), "trial.bad-id", "nct_id"),
    ("an unknown status", put("opened", "status"), "trial.unknown-word", "status"),
    ("a title of lists", put([["x"]], "title"), "trial.wrong-type", "title"),
    ("review as a word", put("perhaps", "review"), "trial.wrong-type", "review"),
    ("another language", put(99, "language"), "trial.unknown-version", "language"),
    ("sites as text", put("s1", "sites"), "trial.wrong-type", "sites"),
    ("a site as text", put(["s1"], "sites"), "trial.wrong-type", "sites[0]"),
    ("two equal sites", put([SITE, SITE], "sites"), "trial.duplicate-code", "sites[1].id"),
    ("arms as an object", put({}, "arms"), "trial.wrong-type", "arms"),
    ("an arm without a code", drop("arms", 0, "code"), "trial.no-code", "arms[0].code"),
    ("two equal arms", put("A", "arms", 1, "code"), "trial.duplicate-code", "arms[1].code"),
    ("criteria as a list", put([], "criteria"), "trial.bare-list", "criteria"),
    ("criteria as text", put("adult", "criteria"), "trial.not-one-key", "criteria"),
    ("two keys in one", put({"age": {}, "sex": {}}, *LAST), "trial.not-one-key", "criteria.all[0]"),
    ("an empty group", put({"any": []}, *LAST), "trial.empty-group", "criteria.all[0].any"),
    ("a group of text", put({"any": "x"}, *LAST), "trial.wrong-type", "criteria.all[0].any"),
    ("no count", put({"at_least": {"of": [{"age": {"min": 1}}]}}, *LAST), "trial.no-count", "criteria.all[0].at_least.count"),
    ("a count too high", put({"at_least": {"count": 3, "of": [{"age": {"min": 1}}]}}, *LAST), "trial.count-out-of-range",
     "criteria.all[0].at_least.count"),
    ("an age of words", put("old", *LAST, "age", "min"), "trial.wrong-type", "criteria.all[0].age.min"),
    ("an age of 900", put(900, *LAST, "age", "min"), "trial.bad-number", "criteria.all[0].age.min"),
    ("nobody's age", put({"min": 60, "max": 20}, *LAST, "age"), "trial.contradiction", "criteria.all[0].age"),
    ("an unknown term", put("LUADD", "criteria", "all", 1, "diagnosis", "oncotree", 0), "trial.unknown-term",
     "criteria.all[1].diagnosis.oncotree[0]"),
    ("an empty list", put([], "criteria", "all", 1, "diagnosis", "oncotree"), "trial.empty-list", "criteria.all[1].diagnosis.oncotree"),
    ("no ICD-10 code", put({"icd10": ["lung"]}, "criteria", "all", 1, "diagnosis"), "trial.bad-code",
     "criteria.all[1].diagnosis.icd10[0]"),
    ("two units of time", put({"days": 1, "weeks": 2}, "criteria", "all", 2, "lab", "within"), "trial.bad-period",
     "criteria.all[2].lab.within"),
    ("no time at all", put({"days": 0}, "criteria", "all", 2, "lab", "within"), "trial.bad-period", "criteria.all[2].lab.within.days"),
    ("an unknown performance", put({"performance": {"max": 9}}, *LAST), "trial.bad-number", "criteria.all[0].performance.max"),
    ("no gene", drop("arms", 0, "criteria", "variant", "gene"), "trial.no-value", "arms[0].criteria.variant.gene"),
    ("an arm of nobody", put({"age": {"max": 12}}, "arms", 0, "criteria"), "trial.unreachable-arm", "arms[0]"),
)  # fmt: skip
CTML_FAULTS: Final[tuple[tuple[str, Spoil, str, str], ...]] = (
    ("an arm that is text", put(["A"], "treatment_list", "step", 0, "arm"), "trial.wrong-type", "treatment_list.step[0].arm[0]"),
    ("arms that are a number", put(5, "treatment_list", "step", 0, "arm"), "trial.wrong-type", "treatment_list.step[0].arm"),
    ("levels that are a number", put(5, "treatment_list", "step", 0, "arm", 0, "dose_level"), "trial.wrong-type",
     "treatment_list.step[0].arm[0].dose_level"),
)  # fmt: skip
TEXTS: Final[tuple[tuple[str, str, str], ...]] = (
    ("", "trial.empty", "trial"), ("# nothing", "trial.empty", "trial"), ("just words", "trial.not-a-trial", "trial"),
    ("[1, 2]", "trial.not-a-trial", "trial"), ("a: [", "trial.not-read", "trial"), ('{"id": "x"', "trial.not-read", "trial"),
    ("\x00", "trial.not-read", "trial"), ("id: a\nid: b\n", "trial.duplicate-key", "id"),
    ("id: !!python/object/apply:os.system [true]\n", "trial.not-read", "trial"), ("? [a]\n: b\n", "trial.not-read", "trial"),
    ("a: &a [*a]\n", "trial.too-large", "trial"), ("[" * 1000, "trial.too-large", "trial"),
    ("[" * 300 + "]" * 300, "trial.not-a-trial", "trial"),
    ("a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(f"{n}: &{n} [{','.join([f'*{p}'] * 9)}]\n" for p, n in zip("abcdefg", "bcdefgh", strict=True)),
     "trial.too-large", "trial"),
    ("x" * (TEXT_LIMIT + 1), "trial.too-large", "trial"), ("id: x\ntitle: t\n", "trial.no-criteria", "criteria"),
)  # fmt: skip
"""Texts that are no trial; among them a program, an endless alias and a hundred million values."""


def _asked(text: str) -> Asked:
    return Asked("trialfeed", "register_trial", msgspec.json.encode({"text": text, "name": "bad.yaml"}))


def _refused(name: str, group: Group, text: str, code: str, path: str, hint: str = "") -> BadInput:
    return BadInput(name, group, _asked(text), "answered", (Fault(code, Place(field=path)),), hint=hint)


def _spoilt(base: Document, spoil: Spoil) -> str:
    document = copy.deepcopy(base)
    spoil(document)
    return msgspec.json.encode(document).decode()


def bad_trials() -> Iterator[BadInput]:
    """Yield all of them."""
    for base, keys in ((BASE, KEYS), (CTML, CTML_KEYS)):
        for change, path, hint in keys:
            yield _refused(f"key {path}", "unknown trial key", _spoilt(base, change), "trial.unknown-key", path, hint)
    for base, faults in ((BASE, FAULTS), (CTML, CTML_FAULTS)):
        for name, change, code, path in faults:
            yield _refused(name, "malformed trial", _spoilt(base, change), code, path)
    for number, (text, code, path) in enumerate(TEXTS):
        group: Group = "oversize" if len(text) > TEXT_LIMIT else "malformed trial"
        yield _refused(f"text {number}", group, text, code, path)
