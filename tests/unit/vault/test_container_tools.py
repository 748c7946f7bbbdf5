"""What the senders' own programs write: gpg and openssl, where this machine has them."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.unit.vault.sealed import PLAIN, keys, secret, stored
from tests.unit.vault.test_containers import refused
from trialbridge.contracts.errors import Refused
from trialbridge.testkit.fakes import MemoryKeys
from trialbridge.vault import recipients
from trialbridge.vault.containers.table import open_bundle

OAEP = "rsa_padding_mode:oaep"
SHA256 = "rsa_oaep_md:sha256"


def run(folder: Path, *command: str) -> bytes:
    """Run a program on ``plain`` and return what it wrote to ``out``."""
    environment = {**os.environ, "GNUPGHOME": str(folder / "gnupg")}
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
    return (folder / "out").read_bytes()


def gpg(folder: Path, plain: bytes, *options: str) -> bytes:
    """Return what gpg makes of ``plain`` for north."""
    if not shutil.which("gpg"):
        pytest.skip("gpg is not on this machine")
    (folder / "gnupg").mkdir(mode=0o700, exist_ok=True)
    (folder / "plain").write_bytes(plain)
    (folder / "key").write_text(recipients.public("openpgp", secret("openpgp", "north")))
    (folder / "out").write_bytes(b"")
    run(folder, "gpg", "--batch", "--import", "key")
    return run(
        folder,
        "gpg",
        "--batch",
        "--yes",
        "--trust-model",
        "always",
        "-r",
        "north",
        *options,
        "-o",
        "out",
        "-e",
        "plain",
    )


def openssl(folder: Path, *options: str) -> bytes:
    """Return what openssl makes of a plaintext for north."""
    if not shutil.which("openssl"):
        pytest.skip("openssl is not on this machine")
    (folder / "plain").write_bytes(PLAIN)
    (folder / "key").write_text(recipients.public("cms", secret("cms", "north")))
    before = [one for one in options if not one.startswith("rsa_")]
    after = [word for one in options if one.startswith("rsa_") for word in ("-keyopt", one)]
    return run(
        folder, "openssl", "cms", "-encrypt", "-binary", "-in", "plain", "-out", "out", *before, "-recip", "key", *after
    )


@pytest.mark.parametrize(
    "options", [[], ["--armor"], ["--compress-level", "0"], ["--compress-algo", "zlib"], ["--compress-algo", "bzip2"]]
)
async def test_what_gpg_writes_is_opened(tmp_path: Path, options: list[str]) -> None:
    assert (await open_bundle(stored(gpg(tmp_path, PLAIN, *options)), keys())).whole() == PLAIN


async def test_a_private_key_that_gpg_made_is_taken_over(tmp_path: Path) -> None:
    public = recipients.public
    gpg(tmp_path, PLAIN)  # makes the folder
    unlocked = ("gpg", "--batch", "--yes", "--pinentry-mode", "loopback", "--passphrase", "")
    run(tmp_path, *unlocked, "--quick-generate-key", "practice", "rsa3072", "encrypt,sign", "never")
    run(tmp_path, *unlocked, "--armor", "-o", "out", "--export-secret-keys", "practice")
    key = (tmp_path / "out").read_bytes()
    (tmp_path / "public").write_text(public("openpgp", key))
    body = run(
        tmp_path, "gpg", "--batch", "--yes", "--trust-model", "always", "-f", "public", "-o", "out", "-e", "plain"
    )
    held = MemoryKeys("north")
    held.hold("north", "openpgp", key)
    assert (await open_bundle(stored(body), held)).whole() == PLAIN


def test_a_locked_private_key_of_gpg_is_refused(tmp_path: Path) -> None:
    gpg(tmp_path, PLAIN)
    locked = ("gpg", "--batch", "--yes", "--pinentry-mode", "loopback", "--passphrase", "sesame")
    run(tmp_path, *locked, "--quick-generate-key", "practice", "rsa3072", "default", "never")
    run(tmp_path, *locked, "--armor", "-o", "out", "--export-secret-keys", "practice")
    with pytest.raises(Refused, match="locked"):
        recipients.public("openpgp", (tmp_path / "out").read_bytes())


async def test_hidden_recipients_of_gpg_are_refused(tmp_path: Path) -> None:
    assert await refused(stored(gpg(tmp_path, PLAIN, "--throw-keyids")), keys()) == "envelope.unsupported"


@pytest.mark.parametrize(
    "options",
    [
        ["-aes-256-gcm", OAEP],
        ["-aes-256-gcm", OAEP, SHA256],
        ["-keyid", "-aes-256-gcm", OAEP],
        ["-stream", "-aes-256-gcm", OAEP],
        ["-aes-256-cbc", OAEP],
        ["-stream", "-aes-256-cbc", OAEP, SHA256],
    ],
)
async def test_what_openssl_writes_is_opened(tmp_path: Path, options: list[str]) -> None:
    body = openssl(tmp_path, "-outform", "DER", *options)
    assert (await open_bundle(stored(body), keys())).whole() == PLAIN


@pytest.mark.parametrize(
    "options",
    [
        ["-outform", "DER", "-aes-128-gcm", OAEP],
        ["-outform", "DER", "-des3", OAEP],
        ["-outform", "DER", "-aes-256-gcm"],
        ["-aes-256-gcm", OAEP],
    ],
)
async def test_weaker_ciphers_and_other_forms_of_openssl_are_refused(tmp_path: Path, options: list[str]) -> None:
    assert await refused(stored(openssl(tmp_path, *options)), keys()) == "envelope.unsupported"
