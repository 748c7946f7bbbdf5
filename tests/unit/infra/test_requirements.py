"""The hashed lists follow pyproject.toml, and each service's list holds what the service imports."""

import re
import shutil
import sys
from collections.abc import Callable
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import grimp
import pytest

from infra.generate.services import services
from infra.groups import LOCKED, ROOT, expand, list_of, project
from infra.lock import pins, problems

OUR_ROOTS = {"trialbridge", "services"}
CARRIED = {"aiohttp", "botocore", "starlette", "yarl"}
"""Imported by us, brought along by what we ask for: their types show in the interfaces of aiobotocore, faust, fastapi."""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a root with pyproject.toml and the lists, to be spoiled."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    return tmp_path


def rewrite(path: Path, change: Callable[[str], str]) -> None:
    before = path.read_text()
    after = change(before)
    assert after != before
    path.write_text(after)


def test_the_lists_are_of_what_the_project_asks_for() -> None:
    assert list(problems(ROOT)) == []


def test_a_changed_group_makes_its_lists_stale_and_no_others(copy: Path) -> None:
    rewrite(
        copy / "pyproject.toml",
        lambda text: text.replace('"typer>=0.20,<1",\n]\n# What', '"typer>=0.21,<1",\n]\n# What'),
    )
    found = list(problems(copy))
    assert [problem.split()[0] for problem in found] == ["requirements/cli.txt", "requirements/dev.txt"]
    assert all("make lock" in problem for problem in found)


def test_other_versions_of_python_make_all_lists_stale(copy: Path) -> None:
    rewrite(
        copy / "pyproject.toml", lambda text: text.replace('requires-python = ">=3.11"', 'requires-python = ">=3.12"')
    )
    assert len(list(problems(copy))) == len(LOCKED)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda text: f"{text}--index-url example\n", "names a host"),
        (lambda text: re.sub(r"^msgspec==\S+", "msgspec==0.0.1", text, flags=re.MULTILINE), "another msgspec"),
        (lambda text: f"{text}left-pad==1.0\n", "without a hash: left-pad==1.0"),
        (lambda text: text.partition("\n")[2], "not of what pyproject.toml asks for"),
    ],
)
def test_a_list_that_was_tampered_with_is_found(copy: Path, change: Callable[[str], str], complaint: str) -> None:
    rewrite(copy / "requirements" / "portal.txt", change)
    found = list(problems(copy))
    assert any("requirements/portal.txt" in problem and complaint in problem for problem in found)


def test_an_absent_list_is_found(copy: Path) -> None:
    (copy / "requirements" / "stream.txt").unlink()
    assert any("requirements/stream.txt" in problem for problem in problems(copy))


def test_what_the_package_asks_for_is_what_the_command_line_needs() -> None:
    known = project(ROOT)
    assert sorted(known["project"]["dependencies"]) == expand(known["dependency-groups"], "cli")


def test_groups_hold_what_they_include() -> None:
    groups: dict[str, list[Any]] = {"a": ["x", {"include-group": "b"}], "b": ["y", {"include-group": "c"}], "c": ["x"]}
    assert expand(groups, "a") == ["x", "y"]
    assert expand(groups, "c") == ["x"]


def normal(requirement: str) -> str:
    """Return the package's name as PEP 503 writes it."""
    return re.sub(r"[._-]+", "-", re.split(r"[^A-Za-z0-9._-]", requirement)[0]).lower()


def test_every_service_has_a_list_with_all_that_it_imports() -> None:
    graph = grimp.build_graph(
        "trialbridge", "services", include_external_packages=True, exclude_type_checking_imports=True, cache_dir=None
    )
    shipped = {name: set(pins((ROOT / "requirements" / f"{name}.txt").read_text())) for name in LOCKED}
    owners = packages_distributions()
    for service in [*services(ROOT), "cli"]:
        closure = graph.find_upstream_modules(f"services.{service}", as_package=True)
        imported = {module.partition(".")[0] for module in closure} - OUR_ROOTS - set(sys.stdlib_module_names)
        asked = {normal(one) for one in expand(project(ROOT)["dependency-groups"], service)}
        for module in imported:
            names = {normal(name) for name in owners[module]}
            assert names & shipped[list_of(ROOT, service)], f"{service} imports {module}, which its list lacks"
            assert module in CARRIED or names & asked, f"{service} imports {module}, which its group does not ask for"
