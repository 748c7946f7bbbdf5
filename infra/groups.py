"""The dependency groups of pyproject.toml, and which hashed list each service is installed from."""

import hashlib
import tomllib
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[1]
LOCKED: Final = ("build", "stream", "coatcheck", "notifier", "portal", "cli", "dev")
"""The groups that have a list of their own in requirements/."""


def project(root: Path = ROOT) -> dict[str, Any]:
    """Return pyproject.toml."""
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))


def expand(groups: dict[str, list[Any]], name: str) -> list[str]:
    """Return the requirements of a group with those of the groups that it includes, sorted, each once (PEP 735)."""
    found: set[str] = set()
    for entry in groups[name]:
        found |= {entry} if isinstance(entry, str) else set(expand(groups, entry["include-group"]))
    return sorted(found)


def list_of(root: Path, service: str) -> str:
    """Return the name of the hashed list that a service is installed from: its group's own, or the one that equals it."""
    groups = project(root)["dependency-groups"]
    if service in LOCKED:
        return service
    return next(name for name in LOCKED if expand(groups, name) == expand(groups, service))


def group_digest(root: Path, name: str) -> str:
    """Return the SHA-256 of what pyproject.toml asks for in a group, with the Python versions that it is for."""
    known = project(root)
    asked = [known["project"]["requires-python"], *expand(known["dependency-groups"], name)]
    return hashlib.sha256("\n".join(asked).encode()).hexdigest()
