"""YAML as trials are written in it: plain words stay words, numbers keep their digits, and nesting costs no recursion."""

import re
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import yaml

DEPTH_LIMIT: Final = 420
"""Deepest nesting of objects and lists: 200 groups of criteria, each an object and a list, in a dose level of an arm."""


class TooMuchError(Exception):
    """The document has more values, or is nested more deeply, than any trial."""


class Loader(yaml.SafeLoader):
    """Safe YAML whose plain words stay words: only null, true, false and decimal numbers are anything else, as in JSON."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node:
        """Return the node of the next value; raise `TooMuchError` where it is nested too deeply."""
        del parent, index
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
        return self.get_event()  # type: ignore[no-untyped-call]

    def _next(self, open_nodes: list["_Open"]) -> yaml.Node | None:
        """Return the next value, or None after opening a list or an object."""
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        if event.anchor is not None and event.anchor in self.anchors:
            raise yaml.composer.ComposerError(None, None, "found duplicate anchor", event.start_mark)
        if isinstance(event, yaml.ScalarEvent):
            anchor: Any = event.anchor
            scalar: yaml.Node = self.compose_scalar_node(anchor)
            return scalar
        if len(open_nodes) >= DEPTH_LIMIT:
            raise TooMuchError
        kind = yaml.SequenceNode if isinstance(event, yaml.SequenceStartEvent) else yaml.MappingNode
        self._take()
        tag: Any = event.tag
        if tag in (None, "!"):
            tag = self.resolve(kind, None, event.implicit)  # type: ignore[no-untyped-call]
        node = kind(tag, [], event.start_mark, None, flow_style=event.flow_style)
        if event.anchor is not None:
            self.anchors[event.anchor] = node
        open_nodes.append(_Open(node))
        return None

    def _alias(self, event: Any) -> yaml.Node:
        self._take()
        if event.anchor not in self.anchors:
            raise yaml.composer.ComposerError(None, None, "found undefined alias", event.start_mark)
        found: yaml.Node = self.anchors[event.anchor]
        return found


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


Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("null", r"(?:~|null|Null|NULL|)", ["~", "n", "N", ""]),
    ("bool", r"(?:true|True|TRUE|false|False|FALSE)", list("tTfF")),
    ("int", r"[-+]?(?:0|[1-9][0-9]{0,18})", list("-+0123456789")),
    ("float", r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]{1,4})?", list("-+.0123456789")),
    ("merge", r"<<", ["<"]),
):
    Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^{_pattern}$"), _first)


def _number(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> Decimal | str:
    """Return a decimal number with the digits as written."""
    text = loader.construct_scalar(node)
    try:
        return Decimal(text)
    except InvalidOperation:
        return str(text)


Loader.add_constructor("tag:yaml.org,2002:float", _number)
