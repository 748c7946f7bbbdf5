"""Trials of every size and depth: what is too much is refused at once, what is not is read in linear time."""

import json
import time
from datetime import date
from itertools import pairwise
from typing import Any

import pytest

from trialbridge.criteria.compiler import Compiled, compile_text, load
from trialbridge.criteria.ctml_export import export
from trialbridge.criteria.evaluate import evaluate
from trialbridge.criteria.known import FactIndex
from trialbridge.criteria.writing import surface_form, text_of

LEAF = '{"age": {"min": 18}}'


def nested(opening: str, closing: str, depth: int) -> Compiled:
    return compile_text(f'{{"id": "T", "criteria": {opening * depth}{LEAF}{closing * depth}}}')


def codes(compiled: Compiled) -> set[str]:
    return {one.code for one in compiled.diagnostics if one.severity == "error"}


@pytest.mark.parametrize(
    ("opening", "closing"),
    [('{"all": [', "]}"), ('{"any": [', "]}"), ('{"not": ', "}"), ('{"at_least": {"count": 1, "of": [', "]}}")],
    ids=["all", "any", "not", "at_least"],
)
def test_groups_may_be_nested_two_hundred_times(opening: str, closing: str) -> None:
    depth = 200 if "count" not in opening else 138
    compiled = nested(opening, closing, depth)
    assert compiled.trial is not None, compiled.diagnostics[:3]
    plan = load(compiled.definition)
    assert len(evaluate(plan, FactIndex(()), date(2026, 6, 1), "p")[0].criteria) == depth + 1
    assert compile_text(text_of(surface_form(compiled.trial))).definition == compiled.definition
    for deeper in (201, 500, 20_000):
        assert codes(nested(opening, closing, deeper)) == {"trial.too-large"}


@pytest.mark.parametrize("depth", [200, 500, 20_000])
def test_ctml_may_be_nested_as_deeply(depth: int) -> None:
    leaf = '{"clinical": {"gender": "Male"}}'
    inner = '{"and": [' * depth + leaf + "]}" * depth
    compiled = compile_text(f'{{"protocol_no": "T", "match": [{inner}]}}')
    assert compiled.ok == (depth == 200)
    assert compiled.ok or codes(compiled) == {"trial.too-large"}
    if compiled.trial is not None:
        written = export(compiled.trial).document
        assert compile_text(text_of(written)).definition == compiled.definition


@pytest.mark.parametrize(
    "text",
    [
        "id: &a [*a]",
        "id: T\ncriteria: &a {all: [*a, *a]}",
        "a: &a [x,x,x]\n"
        + "\n".join(f"{one}: &{one} [{','.join([f'*{other}'] * 8)}]" for other, one in pairwise("abcdefghi")),
        "id: " + "x" * 2_000_001,
        "[" * 100_000,
        '{"id": "T", "drugs": [' + ",".join(['"x"'] * 250_000) + "]}",
        '{"id": "T", "criteria": ' + '{"not": ' * 400 + "[" + ",".join(["1"] * 100_000) + "]" + "}" * 400 + "}",
    ],
    ids=["itself", "twice itself", "billion laughs", "long", "deep", "wide", "wide deep down"],
)
def test_what_is_too_much_is_refused_at_once(text: str) -> None:
    begun = time.process_time()
    assert codes(compile_text(text)) <= {"trial.too-large", "trial.not-read"}
    assert time.process_time() - begun < 20


def test_an_undefined_and_a_repeated_anchor_are_located() -> None:
    found = [compile_text(text).diagnostics[0] for text in ("id: T\ntitle: *a", "id: &a T\ntitle: &a x")]
    assert [(one.code, one.line) for one in found] == [("trial.not-read", 2)] * 2


def test_an_anchor_is_written_out() -> None:
    text = "id: T\ncriteria: {any: [&a {age: {min: 18}}, {all: [*a, {sex: {any_of: [male]}}]}]}"
    assert compile_text(text).ok


@pytest.mark.usefixtures("calm")
def test_five_thousand_leaves_take_ten_times_as_long_as_five_hundred() -> None:
    def taken(count: int) -> float:
        members: list[dict[str, Any]] = [{"variant": {"gene": "KRAS", "codons": [n + 1, n + 2]}} for n in range(count)]
        members += [{"signature": {"name": "tmb", "min": n + 1, "within": f"{n + 1} days"}} for n in range(count)]
        text = json.dumps({"id": "T", "criteria": {"all": members}})
        begun = time.process_time()
        assert compile_text(text).ok
        return time.process_time() - begun

    taken(50)
    assert taken(2_500) < 30 * taken(250)
