"""OncoTree's official JSON: the tree (``TISSUE`` with children) and the list (``tumorTypes``), of any release."""

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import msgspec

from trialbridge.contracts.errors import NOT_AS_DESCRIBED, Place, Refused
from trialbridge.criteria.terminology.imports.delimited import text_of, web_page
from trialbridge.criteria.terminology.imports.flaws import Findings, Imported, finished, plain

ROOT: Final = "TISSUE"
CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_/+.-]{0,39}")
DEEPEST: Final = 40
_BYTE: Final = re.compile(r"\(byte (\d+)\)")
_FORMER: Final = ("history", "revocations", "precursors")
_LIQUID: Final = frozenset({"LYMPH", "MYELOID", "BLOOD"})


class _Node(NamedTuple):
    """A type as the file has it."""

    place: str
    code: str
    parent: str
    entry: dict[str, Any]


def read_oncotree(body: bytes) -> Imported:
    """Return the tree in a file of OncoTree; raise `Refused` where the file as a whole cannot be used.

    Rows: code, parent (empty for a tissue), name, main type, former codes (renamed, revoked, or become a part of it). A parent stands
    above its children, and the same release gives the same rows in either form.
    """
    document = _document(body)
    findings = Findings()
    nodes = _rooted(_known(_nodes(document, findings), findings), findings)
    rows = [_row(node, nodes, findings) for node in _ordered(nodes)]
    _doubts(nodes, findings)
    return finished("oncotree", rows, findings)


def _document(body: bytes) -> Any:
    text = text_of(body)
    try:
        return msgspec.json.decode(text)
    except NOT_AS_DESCRIBED as error:
        at = _BYTE.search(str(error))
        line = body.count(b"\n", 0, int(at[1]) if at else len(body.rstrip())) + 1
        end = "; it ends too early" if "truncated" in str(error) else ""
        message = f"{web_page(body)}The file is not JSON{end}; OncoTree is taken as its official JSON."
        raise Refused("terminology.not-json", message, Place(field=f"line {line}")) from None


def _nodes(document: Any, findings: Findings) -> Iterator[_Node]:
    """Yield the nodes of either form, each parent before its children where the form has an order."""
    if isinstance(document, dict) and isinstance(document.get("data"), list):
        document = document["data"]
    if isinstance(document, list):
        for number, entry in enumerate(document):
            if isinstance(entry, dict):
                yield _Node(f"[{number}]", plain(entry.get("code")), plain(entry.get("parent")), entry)
            else:
                findings.error(f"[{number}]", "row-unreadable", "The entry is no type of OncoTree.")
        return
    if not isinstance(document, dict):
        raise Refused("terminology.not-oncotree", "The file has neither a tree nor a list of OncoTree's types.")
    waiting = [(f"{key}", "", entry) for key, entry in reversed(document.items())]
    while waiting:
        place, parent, entry = waiting.pop()
        if not isinstance(entry, dict) or place.count("/") > DEEPEST:
            findings.error(place, "row-unreadable", "The entry is no type of OncoTree.")
            continue
        code = plain(entry.get("code"))
        yield _Node(place, code, parent, entry)
        below = entry.get("children")
        if isinstance(below, dict):
            waiting += [(f"{place}/{key}", code, child) for key, child in reversed(below.items())]


def _known(nodes: Iterator[_Node], findings: Findings) -> dict[str, _Node]:
    """Return the nodes by code, without those whose code or name cannot be used."""
    found: dict[str, _Node] = {}
    for node in nodes:
        if node.code == ROOT:
            continue
        if not CODE.fullmatch(node.code):
            findings.error(node.place, "bad-code", "The type has no code, or one with unusual characters.")
        elif node.code in found:
            findings.error(node.place, "duplicate", f"The code {node.code} is there already; the first one stays.")
        elif not plain(node.entry.get("name")):
            findings.error(node.place, "bad-name", f"{node.code} has no name, or one that is too long.")
        else:
            found[node.code] = node
    return found


def _rooted(nodes: dict[str, _Node], findings: Findings) -> dict[str, _Node]:
    """Return the nodes whose line leads to a tissue, in at most `DEEPEST` steps."""
    depth = {ROOT: 0, "": 0}
    for code in nodes:
        line: dict[str, None] = {}
        at = code
        while at not in depth and at in nodes and at not in line:
            line[at] = None
            at = nodes[at].parent
        # A parent that is not there, or a line that comes back to itself, never leads to a tissue.
        begin = depth.get(at, DEEPEST)
        depth |= {one: begin + steps for steps, one in enumerate(reversed(line), 1)}
    for code, node in nodes.items():
        if depth[code] > DEEPEST:
            message = f"No line of parents leads from {code} to a tissue; see its parent {node.parent!r}."
            findings.error(node.place, "unknown-parent", message)
    return {code: node for code, node in nodes.items() if depth[code] <= DEEPEST}


def _ordered(nodes: dict[str, _Node]) -> Iterator[_Node]:
    """Yield each parent before its children, those of one parent by code."""
    below: dict[str, list[_Node]] = {}
    for code in sorted(nodes, reverse=True):
        below.setdefault("" if nodes[code].parent == ROOT else nodes[code].parent, []).append(nodes[code])
    waiting = below.get("", [])
    while waiting:
        node = waiting.pop()
        yield node
        waiting += below.get(node.code, [])


def _row(node: _Node, nodes: dict[str, _Node], findings: Findings) -> tuple[str, ...]:
    entry, main = node.entry, node.entry.get("mainType")
    if isinstance(main, dict):
        # Early releases have an object here.
        main = main.get("name")
    former = []
    for name in _FORMER:
        listed = entry.get(name)
        for code in listed if isinstance(listed, list) else []:
            if not isinstance(code, str) or not CODE.fullmatch(code):
                findings.warn(node.place, "bad-code", f"{node.code} has an unusual code among its {name}; left out.")
            elif code not in nodes:
                former.append(code)
    parent = "" if node.parent == ROOT else node.parent
    return node.code, parent, plain(entry.get("name")), plain(main), ",".join(sorted(set(former)))


def _doubts(nodes: dict[str, _Node], findings: Findings) -> None:
    """Warn of what a whole release does not have: levels and tissues that differ from the tree, no liquid tissue."""
    if nodes and not _LIQUID & set(nodes):
        findings.warn(ROOT, "no-liquid", "No tissue of liquid tumours (LYMPH, MYELOID) is in the file.")
    for node in nodes.values():
        line = [node]
        while line[-1].parent in nodes:
            line.append(nodes[line[-1].parent])
        level, tissue = node.entry.get("level"), plain(node.entry.get("tissue"))
        if isinstance(level, int) and level != len(line):
            findings.warn(node.place, "level-differs", f"{node.code} says level {level} and lies at {len(line)}.")
        if tissue and tissue != plain(line[-1].entry.get("name")):
            findings.warn(node.place, "tissue-differs", f"{node.code} says another tissue than the one it lies under.")
