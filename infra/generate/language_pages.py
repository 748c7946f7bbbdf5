"""``docs/language``: a page for each kind of criterion, with its keys and its truth table, whose examples run as tests."""

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml

from infra.generate.facts_schema import render as facts_schema
from infra.generate.fault_page import render as faults
from infra.generate.faults import Fault
from infra.generate.key_notes import NOTES
from infra.generate.markdown import code, notice, table
from infra.generate.schemas import field_notes
from infra.generate.trial_page import render as trial_page
from infra.generate.trial_schema import render as trial_schema
from infra.generate.wording_of_types import takes
from trialbridge.criteria import language as q
from trialbridge.criteria import language_genomic
from trialbridge.criteria.surface import GROUPS, NODES
from trialbridge.criteria.trial import LANGUAGE_VERSION

SOURCE: Final = "libs/trialbridge/criteria/language.py"
EXAMPLES: Final = Path("tests/unit/criteria/examples")
FOLDER: Final = "docs/language"
AS_OF: Final = "2026-06-01"
UNITS: Final[Mapping[str, str]] = {
    "min_copies": "copies",
    "max_copies": "copies",
    "min_lines": "systemic lines",
    "max_lines": "systemic lines",
    "within_km": "kilometres",
    "within_half_lives": "half-lives",
    "min_allele_fraction": "0 to 1",
    "max_allele_fraction": "0 to 1",
    "codons": "first and last residue",
}
"""Units of the keys that are in one unit always; of `min`, `max`, `above` and `below` see `OF_BOUNDS`."""
OF_BOUNDS: Final[Mapping[type[Any], str]] = {
    q.Age: "completed `unit`",
    q.Performance: "points of the `scale`",
    q.Signature: "TMB: mutations per megabase; else `unit`",
    q.Expression: "points or percent of the `score`",
    q.Lab: "UCUM `unit`, or `xULN`",
    q.Vital: "UCUM `unit`",
}
BELOW: Final = {**field_notes(inspect.getsource(q)), **field_notes(inspect.getsource(language_genomic))}
"""The texts below the fields, by class and field."""
VERDICTS: Final = ("met", "not_met", "unknown")
INDEX: Final = """\
# The criteria language

Version {version}. A [trial](trial.md) is an object (YAML or JSON; [schema](trial.schema.json)) whose `criteria` are one criterion:
an object with exactly one key, its kind. Arms and dose levels have criteria of their own, which come on top of the trial's. A
patient as the engine sees them is a list of facts ([schema](facts.schema.json)).

Every criterion is *met*, *not met* or *unknown*. Absence is unknown, never false, unless the record says that it was looked for.
Each page lists every key and a truth table; each line of a table runs as a test. What the compiler says of a faulty trial is on
[the page of faults](faults.md); Clinical Trial Markup Language has [a page of its own](ctml.md).

A **period** has exactly one of days, weeks, months, years: `{{days: 28}}` or `28 days`. A **moment** is a day (`2024-05-03`) or a period,
counted back from the day of evaluation. A list may be written as a single value; a number in quotes keeps its digits.

"""


def documents() -> dict[str, Callable[[Path], str]]:
    """Return the generated files of the language by path, with what writes each."""
    return {
        f"{FOLDER}/trial.schema.json": trial_schema,
        f"{FOLDER}/facts.schema.json": facts_schema,
        f"{FOLDER}/README.md": _index,
        f"{FOLDER}/trial.md": trial_page,
        f"{FOLDER}/faults.md": faults,
        **{f"{FOLDER}/{kind}.md": partial(_page, kind) for kind in NODES},
    }


def _index(_root: Path) -> str:
    rows = [(f"[`{kind}`]({kind}.md)", _summary(node)) for kind, node in NODES.items()]
    header = INDEX.format(version=LANGUAGE_VERSION)
    return notice(SOURCE) + header + table(("kind", "what it asks"), rows)


def _summary(node: type[q.Node]) -> str:
    return _marked((node.__doc__ or "").strip().split("\n\n")[0])


def _marked(text: str) -> str:
    """Return reStructuredText's literals as Markdown's, on one line."""
    return " ".join(text.split()).replace("``", "`")


def _page(kind: str, root: Path) -> str:
    node = NODES[kind]
    about = "\n\n".join(_marked(part) for part in inspect.cleandoc(node.__doc__ or "").split("\n\n"))
    parts = [f"# `{kind}`\n", f"{about}\n"]
    if kind not in GROUPS:
        rows = [_key(node, field) for field in msgspec.structs.fields(node)]
        parts.append("## Keys\n\n" + table(("key", "takes", "unit", "default", "what it asks"), rows))
    parts.append(_truth(kind, root))
    return notice(f"{SOURCE} and {EXAMPLES}/{kind}.yaml") + "\n".join(parts)


def _key(node: type[q.Node], field: msgspec.structs.FieldInfo) -> tuple[str, ...]:
    bounded = field.name in ("min", "max", "above", "below")
    unit = OF_BOUNDS[node] if bounded else UNITS.get(field.name, "")
    default = "**required**" if field.required else code(str(field.default)) if _shown(field.default) else ""
    return code(field.name), takes(field.type), unit, default, _about(node, field.name)


def _shown(default: Any) -> bool:
    return default not in (None, (), "")


def _about(node: type[q.Node], name: str) -> str:
    kind = str(node.__struct_config__.tag)
    below = next((BELOW[one.__name__, name] for one in node.__mro__ if (one.__name__, name) in BELOW), "")
    found = _marked(below) or NOTES.get((kind, name)) or NOTES.get(("*", name))
    if not found:
        raise Fault(
            f"{SOURCE} says nothing of {kind}.{name}; write a text below it, or into infra/generate/key_notes.py"
        )
    return found


def _truth(kind: str, root: Path) -> str:
    page = yaml.safe_load((root / EXAMPLES / f"{kind}.yaml").read_text("utf-8"))
    never = "".join(
        f"It is never {verdict.replace('_', ' ')}: what records leave out may be so all the same.\n\n"
        for verdict in page.get("never", ())
    )
    rows = [
        (verdict.replace("_", " "), example["when"], _asked(kind, example), _facts(example["facts"]))
        for verdict in VERDICTS
        for example in page["examples"]
        if example["verdict"] == verdict
    ]
    head = f"## Truth table\n\nThe day of evaluation is {AS_OF}.\n\n"
    return head + never + table(("verdict", "when", "criterion", "known"), rows)


def _asked(kind: str, example: dict[str, Any]) -> str:
    sites = f", the trial with {code(_flow({'sites': example['sites']}))}" if "sites" in example else ""
    return code(_flow({kind: example["ask"]})) + sites


def _facts(facts: list[dict[str, Any]]) -> str:
    return "; ".join(code(_flow(fact)) for fact in facts) or "nothing"


def _flow(value: Any) -> str:
    """Return a value in YAML's flow style on one line."""
    return yaml.safe_dump(value, default_flow_style=True, sort_keys=False, allow_unicode=True, width=10_000).strip()
