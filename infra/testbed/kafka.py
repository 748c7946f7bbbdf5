"""One Apache Kafka node (KRaft, broker and controller in one) from Maven's jars."""

import hashlib
import shutil
import subprocess
from pathlib import Path

from infra.testbed.process import CACHE, RUN, NotHere, free_port, pid_of, start

HERE = Path(__file__).parent
CLUSTER = "VHJpYWxicmlkZ2VUZXN0cw"
JVM = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-Djava.awt.headless=true")


def _hashes() -> dict[str, str]:
    lines = (HERE / "kafka.jars.sha256").read_text().split("\n")
    return {name: digest for digest, name in (line.split() for line in lines if line)}


def _complete(libs: Path) -> bool:
    return all(
        (libs / name).is_file() and hashlib.sha256((libs / name).read_bytes()).hexdigest() == digest
        for name, digest in _hashes().items()
    )


def fetch() -> Path:
    """Return the folder with the broker's jars, every one checked against its hash."""
    libs = CACHE / "kafka-libs"
    if _complete(libs):
        return libs
    if not shutil.which("java") or not shutil.which("mvn"):
        raise NotHere("Kafka needs Java 17 or newer and Maven on the PATH.")
    subprocess.run(
        ["mvn", "-q", "-B", "-f", str(HERE / "pom.xml"), f"-Dmaven.repo.local={CACHE / 'maven'}",
         "dependency:copy-dependencies", f"-DoutputDirectory={libs}", "-DincludeScope=runtime"],
        check=True, cwd=RUN.parent,
    )  # fmt: skip
    if not _complete(libs):
        raise NotHere("A jar of Kafka does not have the hash that kafka.jars.sha256 pins.")
    return libs


def _properties(data: Path, port: int, controller: int) -> str:
    settings = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "controller.listener.names": "CONTROLLER",
        "controller.quorum.bootstrap.servers": f"127.0.0.1:{controller}",
        "log.dirs": str(data / "logs"),
        "auto.create.topics.enable": "false",
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "5",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "group.initial.rebalance.delay.ms": "0",
        "group.min.session.timeout.ms": "1000",
        "log.cleaner.dedupe.buffer.size": "16777216",
        "log.segment.bytes": "67108864",
    }
    return "".join(f"{key}={value}\n" for key, value in settings.items())


def up() -> dict[str, str]:
    """Start the broker (or find it running) and return what tests need to reach it."""
    address = RUN / "kafka" / "address"
    if pid_of("kafka") is not None and address.is_file():
        return {"TRIALBRIDGE_TEST_KAFKA": address.read_text()}
    libs = fetch()
    data = RUN / "kafka"
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(parents=True)
    port, controller = free_port(29092), free_port(29093)
    config = data / "server.properties"
    config.write_text(_properties(data, port, controller))
    java = ["java", *JVM, f"-Dlog4j2.configurationFile={HERE / 'log4j2.properties'}", "-cp", f"{libs}/*"]
    subprocess.run(
        [*java, "kafka.tools.StorageTool", "format", "-t", CLUSTER, "-c", str(config), "--standalone"],
        check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    log = data / "log"
    start(
        "kafka", [java[0], "-Xms64m", "-Xmx512m", *java[1:], "kafka.Kafka", str(config)],
        lambda: log.exists() and "Kafka Server started" in log.read_text(errors="replace"),
    )  # fmt: skip
    address.write_text(f"127.0.0.1:{port}")
    return {"TRIALBRIDGE_TEST_KAFKA": address.read_text()}
