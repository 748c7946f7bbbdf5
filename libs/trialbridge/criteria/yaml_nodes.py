"""YAML as trials are written in it: plain words stay words, numbers keep their digits, and nesting costs no recursion."""

import re
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import yaml

DEPTH_LIMIT: Final = 420
"""Deepest nesting of objects and lists: 200 groups of criteria, each an object and a list, in a dose level of an arm."""


class TooMuchError(Exception):
    """The document has more values, or is nested more deeply, than any trial."""


class _Composing:
    """Makes nodes of a parser's events, with a list instead of calls within calls: no nesting is too deep."""

    check_event: Any
    get_event: Any
    resolve: Any

    def __init__(self, stream: Any) -> None:
        """Read text, bytes or a stream."""
        super().__init__(stream)  # type: ignore[call-arg]
        self._named: dict[str, yaml.Node] = {}

    def get_single_node(self) -> yaml.Node | None:
        """Return the one document's node, None where there is nothing; raise `TooMuchError` where it is nested too deeply."""
        self._take()
        if self.check_event(yaml.StreamEndEvent):
            return None
        self._take()
        node = self._document()
        self._take()
        if not self.check_event(yaml.StreamEndEvent):
            mark: Any = self._take().start_mark
            raise yaml.composer.ComposerError(
                "expected a single document in the stream", None, "but found another document", mark
            )
        return node

    def _document(self) -> yaml.Node:
        """Return the node of the document's value."""
        open_nodes: list[_Open] = []
        while True:
            node = self._closed(open_nodes) if open_nodes and self._ends() else self._next(open_nodes)
            if node is None:
                continue
            if not open_nodes:
                return node
            open_nodes[-1].take(node)

    def _ends(self) -> bool:
        return bool(self.check_event(yaml.SequenceEndEvent, yaml.MappingEndEvent))

    def _closed(self, open_nodes: list["_Open"]) -> yaml.Node:
        node = open_nodes.pop().node
        node.end_mark = self._take().end_mark
        return node

    def _take(self) -> Any:
        """Return the next event and go past it."""
        return self.get_event()

    def _next(self, open_nodes: list["_Open"]) -> yaml.Node | None:
        """Return the next value, or None after opening a list or an object."""
        event: Any = self._take()
        anchor = event.anchor
        mark: Any = event.start_mark
        if isinstance(event, yaml.AliasEvent):
            if anchor not in self._named:
                raise yaml.composer.ComposerError(None, None, "found undefined alias", mark)
            return self._named[anchor]
        if anchor is not None and anchor in self._named:
            raise yaml.composer.ComposerError(None, None, "found duplicate anchor", mark)
        node: yaml.Node = (
            self._scalar(event) if isinstance(event, yaml.ScalarEvent) else self._opened(event, open_nodes)
        )
        if anchor is not None:
            self._named[anchor] = node
        return node if isinstance(node, yaml.ScalarNode) else None

    def _scalar(self, event: Any) -> yaml.Node:
        tag = event.tag
        if tag in (None, "!"):
            tag = self.resolve(yaml.ScalarNode, event.value, event.implicit)
        return yaml.ScalarNode(tag, event.value, event.start_mark, event.end_mark, style=event.style)

    def _opened(self, event: Any, open_nodes: list["_Open"]) -> yaml.Node:
        if len(open_nodes) >= DEPTH_LIMIT:
            raise TooMuchError
        kind = yaml.SequenceNode if isinstance(event, yaml.SequenceStartEvent) else yaml.MappingNode
        tag = event.tag
        if tag in (None, "!"):
            tag = self.resolve(kind, None, event.implicit)
        node = kind(tag, [], event.start_mark, None, flow_style=event.flow_style)
        open_nodes.append(_Open(node))
        return node


class _Open:
    """A list or an object whose end has not come yet."""

    __slots__ = ("key", "node")

    def __init__(self, node: yaml.Node) -> None:
        self.node = node
        self.key: yaml.Node | None = None

    def take(self, value: yaml.Node) -> None:
        if isinstance(self.node, yaml.SequenceNode):
            self.node.value.append(value)
        elif self.key is None:
            self.key = value
        else:
            self.node.value.append((self.key, value))
            self.key = None


class Loader(_Composing, yaml.SafeLoader):
    """Safe YAML whose plain words stay words: only null, true, false and decimal numbers are anything else, as in JSON."""


_FASTEST: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Quick(_Composing, _FASTEST):  # type: ignore[misc]
    """The same upon libyaml's scanner and parser, where PyYAML was built with it."""


def compose(text: str) -> yaml.Node | None:
    """Return the one document's node, with the place of every value; None where there is nothing.

    What libyaml cannot read is read again without it, so that the error and its place do not depend on how PyYAML was built.
    Raises `yaml.YAMLError`, and `TooMuchError` where it is nested too deeply.
    """
    try:
        node: yaml.Node | None = _Quick(text).get_single_node()
    except yaml.YAMLError:
        return Loader(text).get_single_node()
    return node


Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("null", r"(?:~|null|Null|NULL|)", ["~", "n", "N", ""]),
    ("bool", r"(?:true|True|TRUE|false|False|FALSE)", list("tTfF")),
    ("int", r"[-+]?(?:0|[1-9][0-9]{0,18})", list("-+0123456789")),
    ("float", r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]{1,4})?", list("-+.0123456789")),
    ("merge", r"<<", ["<"]),
):
    Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^{_pattern}$"), _first)
_Quick.yaml_implicit_resolvers = Loader.yaml_implicit_resolvers


def _number(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> Decimal | str:
    """Return a decimal number with the digits as written."""
    text = loader.construct_scalar(node)
    try:
        return Decimal(text)
    except InvalidOperation:
        return str(text)


Loader.add_constructor("tag:yaml.org,2002:float", _number)
