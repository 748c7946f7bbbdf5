"""The quick parser and PyYAML's own give the same trial with the same places, and the same errors."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from trialbridge.criteria import documents, yaml_nodes
from trialbridge.criteria.diagnostics import Problems
from trialbridge.criteria.documents import read_text
from trialbridge.criteria.yaml_nodes import Loader, TooMuchError, compose

EXAMPLES = sorted((Path(__file__).parent / "examples").glob("*.yaml"))
SHAPES = (
    '{"id":"T","a/b":["x\\/y","\\u00e9",1.50,-2,true,null],"c":{"d":{}}}',
    "a: &x [1, 2]\nb: *x\n",
    "a:\n- b: 1\n  c: |\n    two\n    lines\n- 'd'\n# end\n",
    "é: ü\nz: {x: ß, y: 0018}\r\nw: 1e3\n",
    "<<: {a: 1}\nb: no\n",
    "",
)
BROKEN = ("a: *y", "a: &x 1\nb: &x 2", "a: 1\n---\nb: 2", "{a: [}", "a:\n  - b\n -c", "a: 1\n\tb: 2", "a: \x07")


def nodes(node: yaml.Node | None) -> Any:
    """Return a node with all that is in it as plain tuples, with the places."""
    if node is None:
        return None
    where = (node.start_mark.line, node.start_mark.column)
    if isinstance(node, yaml.ScalarNode):
        return node.tag, node.value, where
    if isinstance(node, yaml.MappingNode):
        return node.tag, [(nodes(key), nodes(value)) for key, value in node.value], where
    return node.tag, [nodes(one) for one in node.value], where


@pytest.mark.parametrize("text", [*(path.read_text("utf-8") for path in EXAMPLES), *SHAPES])
def test_both_parsers_give_the_same_values_at_the_same_places(text: str) -> None:
    assert yaml.__with_libyaml__
    assert nodes(yaml_nodes._Quick(text).get_single_node()) == nodes(Loader(text).get_single_node())


@pytest.mark.parametrize("text", BROKEN)
def test_an_error_does_not_depend_on_the_parser(text: str) -> None:
    with pytest.raises(yaml.YAMLError) as slow:
        Loader(text).get_single_node()
    with pytest.raises(yaml.YAMLError) as found:
        compose(text)
    assert str(found.value) == str(slow.value)


@pytest.mark.parametrize("quick", [True, False])
def test_no_depth_is_a_call_within_a_call(quick: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not quick:
        monkeypatch.setattr(documents, "compose", lambda text: Loader(text).get_single_node())
    for opened, closed in (("[", "]"), ("{a: ", "}")):
        assert read_text(opened * 400 + "1" + closed * 400, Problems())[0] is not None
        with pytest.raises(TooMuchError):
            compose(opened * 5_000 + "1" + closed * 5_000)


def test_trials_are_read_by_the_quick_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_nodes, "Loader", None)
    assert nodes(compose("a: [1, {b: c}]")) is not None
