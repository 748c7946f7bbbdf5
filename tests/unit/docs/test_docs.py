"""What the documents name exists: links, make targets, commands and their options, settings, error codes, paths."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from services.cli.app import app
from services.cli.house import SERVICES
from services.portal.settings import PortalSettings
from tests.unit.docs.reading import ROOT, code, documents, headings, inline, links, text_of
from trialbridge.runtime.settings import BaseServiceSettings
from trialbridge.runtime.telemetry.metrics import REGISTRY

DOCUMENTS = documents()
ENDINGS = {
    "css",
    "db",
    "env",
    "hl7",
    "html",
    "js",
    "json",
    "md",
    "ndjson",
    "png",
    "py",
    "secret",
    "sha256",
    "svg",
    "toml",
    "tsv",
}
ENDINGS |= {"txt", "xml", "yaml", "yml", "zip"}
SOURCES = ("libs/trialbridge", "services")
CODE = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*\.[a-z0-9]+(?:-[a-z0-9]+)*")
PACKAGES = {"fhir.resources"}
"""Other people's, which look like codes."""

pytestmark = pytest.mark.parametrize("document", DOCUMENTS, ids=str)


def test_every_relative_link_leads_somewhere(document: Path) -> None:
    for target in links(document):
        if "://" in target or target.startswith("mailto:"):
            continue
        path, _, anchor = target.partition("#")
        place = (ROOT / document.parent / path).resolve() if path else ROOT / document
        assert place.exists(), target
        if anchor and place.suffix == ".md":
            assert anchor in headings(place.relative_to(ROOT)), target


@cache
def _targets() -> frozenset[str]:
    return frozenset(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def test_every_make_target_exists(document: Path) -> None:
    for text in code(document):
        for target in re.findall(r"(?<!keys )\bmake ([a-z][a-z-]*)", text):
            assert target in _targets(), f"make {target}"


def test_every_command_and_option_exists(document: Path) -> None:
    for text in code(document):
        for line in text.splitlines():
            found = re.match(r"\s*(?:\$ )?(?:\.venv/bin/)?trialbridge ([a-z].*)", line)
            if found:
                _check_command(found[1].split(" #")[0].split())


def _check_command(words: list[str]) -> None:
    command: Any = get_command(app)
    while hasattr(command, "get_command") and words and re.match(r"[a-z]", words[0]):
        name = words.pop(0).rstrip(",.;:)")
        found = command.get_command(None, name)
        assert found is not None, f"trialbridge … {name}"
        command = found
    known = {option for one in command.params for option in (*one.opts, *one.secondary_opts)} | {"--help"}
    for word in words:
        option = re.match(r"--[a-z][a-z-]*", word)
        assert option is None or option[0] in known, f"trialbridge {command.name} {word}"


@cache
def _settings() -> frozenset[str]:
    kinds: list[type[BaseServiceSettings]] = [PortalSettings, *(service.settings for service in SERVICES.values())]
    named = {f"TRIALBRIDGE_{field.upper()}" for kind in kinds for field in kind.model_fields}
    elsewhere = ("docker-compose.yml", "infra/generate/settings.py")
    return frozenset(
        named.union(*(re.findall(r"TRIALBRIDGE_[A-Z0-9_]*[A-Z0-9]", (ROOT / p).read_text()) for p in elsewhere))
    )


def test_every_setting_exists(document: Path) -> None:
    for name in re.findall(r"TRIALBRIDGE_[A-Z0-9_]*[A-Z0-9](?![A-Z0-9_…])", text_of(document)):
        assert name in _settings(), name


@cache
def _literals() -> tuple[frozenset[str], frozenset[tuple[str, str]]]:
    """Return all string literals of the source, and head and tail of those that are made of a part: ``("ticket.", "")``."""
    plain: set[str] = set()
    made: set[tuple[str, str]] = set()
    for path in (path for source in SOURCES for path in (ROOT / source).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                plain.add(node.value)
            elif isinstance(node, ast.JoinedStr):
                texts = [part.value if isinstance(part, ast.Constant) else None for part in node.values]
                if len(texts) > 1 and isinstance(texts[0], str) and texts[1] is None and texts[0].endswith("."):
                    made.add((texts[0], str(texts[2]) if len(texts) > 2 else ""))
    return frozenset(plain), frozenset(made)


def _is_made(name: str) -> bool:
    plain, made = _literals()
    return name in plain or any(
        name.startswith(head) and name.endswith(tail) and name[len(head) : len(name) - len(tail)] in plain
        for head, tail in made
    )


@cache
def _families() -> frozenset[str]:
    plain, made = _literals()
    codes = {one for one in plain if CODE.fullmatch(one) and one.rpartition(".")[2] not in ENDINGS}
    return frozenset({one.partition(".")[0] for one in codes} | {head[:-1] for head, _ in made})


def _codes(document: Path) -> Iterator[str]:
    for text in inline(document):
        named = CODE.fullmatch(text) and text.rpartition(".")[2] not in ENDINGS and text not in PACKAGES
        # The paths of criteria in a trial are no codes.
        if named and text.partition(".")[0] in _families() - {"criteria"}:
            yield text


def test_every_error_code_exists(document: Path) -> None:
    for name in _codes(document):
        assert _is_made(name), name


@cache
def _names() -> frozenset[str]:
    return frozenset(
        path.name for top in ("docs", "infra", "libs", "services", "tests") for path in (ROOT / top).rglob("*")
    )


def test_every_source_file_named_exists(document: Path) -> None:
    for text in inline(document):
        path = text.partition(" ")[0].partition("::")[0]
        if not re.fullmatch(r"[\w./-]+\.(?:py|tsv)", path):
            continue
        if "/" in path:
            bases = (ROOT, ROOT / "libs/trialbridge", ROOT / "libs/trialbridge/runtime", ROOT / document.parent)
            assert any((base / path).exists() for base in bases), path
        else:
            assert path in _names(), path


def test_every_metric_exists(document: Path) -> None:
    known = {family.name + ("_total" if family.type == "counter" else "") for family in REGISTRY.collect()}
    for name in re.findall(r"\btrialbridge_[a-z]+_[a-z_]+\b", text_of(document)):
        assert name in known, name
