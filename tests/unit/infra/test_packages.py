"""Each hashed list, installed alone, is enough for its services. Needs a package index (or uv's cache)."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra.generate.services import services
from infra.groups import LOCKED, ROOT, list_of

UV = str(Path(sys.executable).with_name("uv"))
SHIPPED = [name for name in LOCKED if name not in {"dev", "build"}]


def run(*command: str, environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, env={**os.environ, **(environment or {})}
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", SHIPPED)
def test_a_list_alone_is_enough_for_its_services(name: str, tmp_path: Path) -> None:
    python = str(tmp_path / "bin" / "python")
    run(UV, "venv", "--quiet", "--clear", "--python", sys.executable, str(tmp_path))
    run(UV, "pip", "install", "--quiet", "--python", python, "--require-hashes", "--only-binary", ":all:",
        "-r", f"requirements/{name}.txt")  # fmt: skip
    modules = [f"services.{service}.bootstrap" for service in services(ROOT) if list_of(ROOT, service) == name]
    if name == "cli":
        modules = ["services.cli.app"]
    assert modules
    for module in modules:
        run(python, "-c", f"import {module}", environment={"PYTHONPATH": f"{ROOT / 'libs'}:{ROOT}"})
