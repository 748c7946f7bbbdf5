"""An S3 server: versitygw where Go is, else ministack in an environment of its own."""

import os
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

from infra.testbed.process import CACHE, RUN, NotHere, answers, free_port, pid_of, start

VERSITYGW = "github.com/versity/versitygw/cmd/versitygw@v1.8.0"
ACCESS, SECRET = "trialbridge-test", "trialbridge-test-secret"


def fetch() -> tuple[str, Path]:
    """Return the kind of server and its program, building or installing it on first use."""
    gateway = CACHE / "bin" / "versitygw"
    if gateway.exists():
        return "versitygw", gateway
    if shutil.which("go"):
        env = {**os.environ, "GOBIN": str(gateway.parent), "GOFLAGS": "-mod=mod"}
        if subprocess.run(["go", "install", "-ldflags", "-s -w", VERSITYGW], env=env, check=False).returncode == 0:
            return "versitygw", gateway
    stack = CACHE / "ministack" / "bin" / "ministack"
    if not stack.exists():
        subprocess.run([sys.executable, "-m", "venv", str(CACHE / "ministack")], check=True)
        pip = [str(CACHE / "ministack" / "bin" / "pip"), "install", "-q", "--disable-pip-version-check", "ministack"]
        if subprocess.run(pip, check=False).returncode != 0:
            raise NotHere("The S3 server needs Go, or a package index that has ministack.")
    return "ministack", stack


def up() -> dict[str, str]:
    """Start the server (or find it running) and return what tests need to reach it."""
    address = RUN / "s3" / "address"
    if pid_of("s3") is not None and address.is_file():
        return _reach(address.read_text())
    kind, program = fetch()
    data = RUN / "s3"
    shutil.rmtree(data, ignore_errors=True)
    (data / "data").mkdir(parents=True)
    (data / "versions").mkdir()
    port = free_port(27070)
    if kind == "versitygw":
        command = [str(program), "--port", f"127.0.0.1:{port}", "--access", ACCESS, "--secret", SECRET, "--health", "/health",
                   "--quiet", "posix", "--versioning-dir", str(data / "versions"), str(data / "data")]  # fmt: skip
        start("s3", command, lambda: _healthy(port))
        address.write_text(f"http://127.0.0.1:{port} {ACCESS} {SECRET}")
    else:
        env = {
            "AUTH": "true",
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(port),
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(data / "data"),
        }
        start("s3", [str(program)], lambda: answers(port), env)
        address.write_text(f"http://127.0.0.1:{port} test test")
    return _reach(address.read_text())


def _healthy(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=1) as answer:
            return bool(answer.status == 200)  # noqa: PLR2004 - HTTP OK
    except OSError:
        return False


def _reach(line: str) -> dict[str, str]:
    url, access, secret = line.split()
    return {"TRIALBRIDGE_TEST_S3": url, "TRIALBRIDGE_TEST_S3_ACCESS": access, "TRIALBRIDGE_TEST_S3_SECRET": secret}
