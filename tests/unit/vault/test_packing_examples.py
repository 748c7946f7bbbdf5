"""What docs/packing.md tells senders to run is run as it stands there, and what comes out opens."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.unit.vault.sealed import PLAIN, secret, stored
from trialbridge.contracts.ids import TenantId
from trialbridge.testkit.fakes import MemoryKeys
from trialbridge.vault import recipients
from trialbridge.vault.containers.table import open_bundle
from trialbridge.vault.keys import PrivateKind

PAGE = (Path(__file__).parents[3] / "docs/packing.md").read_text()
PRACTICE = TenantId("my-practice")


def practice(folder: Path, kind: PrivateKind, name: str) -> MemoryKeys:
    """Return a key service with a key of the practice, whose public half lies in the folder as the page names it."""
    key, held = secret(kind, PRACTICE), MemoryKeys(PRACTICE)
    held.hold(PRACTICE, kind, key)
    (folder / name).write_text(recipients.public(kind, key))
    (folder / "bundle.tar.gz").write_bytes(PLAIN)
    return held


def commands(program: str) -> str:
    """Return the page's indented block that begins with a program, as a script."""
    found = re.search(rf"^(    {program} .*\n(?:    .*\n)*)", PAGE, re.MULTILINE)
    assert found
    return re.sub(r"^    ", "", found[1], flags=re.MULTILINE)


def run(folder: Path, program: str) -> None:
    if not shutil.which(program):
        pytest.skip(f"{program} is not on this machine")
    (folder / "home").mkdir(mode=0o700)
    environment = {**os.environ, "GNUPGHOME": str(folder / "home")}
    script = "set -e\n" + commands(program)
    subprocess.run(["/bin/sh", "-c", script], cwd=folder, env=environment, check=True, capture_output=True)


async def opened(body: bytes, held: MemoryKeys) -> bytes:
    plain = await open_bundle(stored(body, tenant=PRACTICE), held)
    return plain.whole()


async def test_the_lines_of_python_for_the_aws_encryption_sdk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held = practice(tmp_path, "esdk", "my-practice.pem")
    found = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert found
    monkeypatch.chdir(tmp_path)
    names: dict[str, bytes] = {}
    exec(compile(found[1], "packing.md", "exec"), names)  # noqa: S102 - our own page
    assert await opened(names["sealed"], held) == PLAIN


async def test_the_line_of_gpg(tmp_path: Path) -> None:
    held = practice(tmp_path, "openpgp", "my-practice.asc")
    run(tmp_path, "gpg")
    assert await opened((tmp_path / "bundle.tar.gz.gpg").read_bytes(), held) == PLAIN


async def test_the_line_of_openssl(tmp_path: Path) -> None:
    held = practice(tmp_path, "cms", "my-practice.pem")
    run(tmp_path, "openssl")
    assert await opened((tmp_path / "bundle.tar.gz.p7m").read_bytes(), held) == PLAIN
