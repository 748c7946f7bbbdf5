"""``python -m infra.lock [--check | options of uv pip compile]``: hashed requirement lists out of pyproject's groups.

The lists name no index host. Every one is compiled within the pins of requirements/dev.txt: what is shipped is what is tested.
"""

import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from infra.groups import LOCKED, ROOT, group_digest, project

MARK: Final = "# Locked by `make lock` from pyproject.toml, group"
PIN: Final = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;\\]+)", re.MULTILINE)
ORDER: Final = ("dev", *(name for name in LOCKED if name != "dev"))
"""The order of compilation: the others follow dev's pins."""


def first_line(root: Path, name: str) -> str:
    """Return the line that ties a list to what pyproject.toml asks for."""
    return f"{MARK} {name}: sha256 {group_digest(root, name)}"


def pins(text: str) -> dict[str, set[str]]:
    """Return the versions that a list pins, by package; several where they depend on the platform."""
    found: dict[str, set[str]] = {}
    for name, version in PIN.findall(text):
        found.setdefault(name, set()).add(version)
    return found


def problems(root: Path = ROOT) -> Iterator[str]:
    """Yield what is wrong with the lists, without asking any index."""
    tested = pins(_text(root, "dev"))
    for name in LOCKED:
        text = _text(root, name)
        if text.partition("\n")[0] != first_line(root, name):
            yield f"requirements/{name}.txt is not of what pyproject.toml asks for in {name}; run `make lock`"
        if "://" in text or "--index-url" in text:
            yield f"requirements/{name}.txt names a host"
        for package, versions in pins(text).items():
            if package in tested and not versions <= tested[package]:
                yield f"requirements/{name}.txt pins another {package} than requirements/dev.txt; run `make lock`"
        for entry in re.split(r"\n(?=\S)", text):
            if PIN.match(entry) and "--hash=sha256:" not in entry:
                yield f"requirements/{name}.txt has a package without a hash: {entry.split()[0]}"


def compile_all(root: Path, options: Sequence[str]) -> None:
    """Compile every list with uv; pins that still fit are kept, unless ``options`` ask for others."""
    python = str(project(root)["project"]["requires-python"]).removeprefix(">=")
    folder = root / "requirements"
    folder.mkdir(exist_ok=True)
    for name in ORDER:
        within = [] if name == "dev" else ["--constraints", "requirements/dev.txt"]
        command = [str(Path(sys.executable).with_name("uv")), "pip", "compile", "--quiet", "--universal"]
        command += ["--python-version", python, "--generate-hashes", "--no-header", "--group", name, *within]
        subprocess.run([*command, *options, "--output-file", f"requirements/{name}.txt"], cwd=root, check=True)
        path = folder / f"{name}.txt"
        compiled = path.read_text(encoding="utf-8")
        body = compiled.partition("\n")[2] if compiled.startswith(MARK) else compiled
        path.write_text(f"{first_line(root, name)}\n{body}", encoding="utf-8")


def main(arguments: Sequence[str]) -> int:
    """Compile the lists, or with ``--check`` say what is wrong with them; return the exit code."""
    if list(arguments) != ["--check"]:
        compile_all(ROOT, arguments)
        return 0
    found = list(problems(ROOT))
    sys.stderr.write("".join(f"{problem}\n" for problem in found))
    return int(bool(found))


def _text(root: Path, name: str) -> str:
    path = root / "requirements" / f"{name}.txt"
    return path.read_text(encoding="utf-8") if path.is_file() else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
