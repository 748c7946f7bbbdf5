"""``trialbridge bench``: how fast, on this machine, now."""

import asyncio
import contextlib
import os
import tempfile
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from services.cli.bench import engine as measured
from services.cli.bench.gateway import Asked
from services.cli.bench.gateway import measure as measure_door
from services.cli.bench.machine import in_a_process, machine
from services.cli.bench.pipeline import measure_alone
from services.cli.bench.worst import reading, worst_cases
from services.cli.demo.command import embedded_settings
from services.cli.demo.options import DemoOptions
from services.cli.house import own
from services.cli.output import OUT, emit
from trialbridge.runtime.serve import open_ports
from trialbridge.runtime.settings import BaseServiceSettings, read_settings
from trialbridge.runtime.stage.stage import Ports
from trialbridge.runtime.yardstick.measure import (
    measure_plain,
    measure_stage,
    settings_for,
    summary,
)
from trialbridge.testkit import ccda_bench, fhir_bench, v2_bench

app = typer.Typer(no_args_is_help=True, help="Seeded measurements; ratios against a named baseline in the same run.")
TURNS = 3
Json = Annotated[bool, typer.Option("--json", help="One JSON object.")]
Seed = Annotated[int, typer.Option(help="Of the load.")]
Kafka = Annotated[
    str,
    typer.Option(help="HOST:PORT of a Kafka that may be filled with bench topics.", envvar="TRIALBRIDGE_TEST_KAFKA"),
]


@app.command()
def pipeline(
    patients: Annotated[int, typer.Option(help="How many synthetic patients.")] = 1000,
    seed: Seed = 7,
    cluster: Annotated[
        bool,
        typer.Option(
            "--cluster", help="Also on the broker and the stores that TRIALBRIDGE_ settings name; empty ones."
        ),
    ] = False,
    json: Json = False,
) -> None:
    """From encrypted bundles to approved matches: patients and megabytes a second, latency, memory at peak."""
    result: dict[str, Any] = {"bench": "pipeline", "seed": seed, "machine": machine()}
    with tempfile.TemporaryDirectory(prefix="trialbridge-bench-") as folder:
        embedded = measure_alone(Path(folder), patients, seed)
    result["embedded"] = embedded.as_dict()
    if cluster:
        on_cluster = measure_alone(None, patients, seed)
        result["cluster"] = on_cluster.as_dict()
        result["baseline"] = "cluster"
        result["ratio"] = round(embedded.patients_per_second / on_cluster.patients_per_second, 2)
        result["same_hash"] = embedded.hash == on_cluster.hash
    _print(result, json=json)


@app.command()
def gateway(
    messages: Annotated[int, typer.Option(help="How many ADT messages, each of another patient.", min=200)] = 5000,
    clients: Annotated[int, typer.Option(help="How many HTTP clients.", min=1)] = 16,
    outstanding: Annotated[int, typer.Option(help="Connections of each, with a message on each.", min=1)] = 8,
    workers: Annotated[int, typer.Option(help="Gateways (with --cluster).", min=1)] = 1,
    viewers: Annotated[int, typer.Option(help="Workers of patientview (with --cluster).", min=1)] = 1,
    converters: Annotated[int, typer.Option(help="Processes that convert for each gateway; 0: a thread.", min=0)] = 0,
    rate: Annotated[float, typer.Option(help="Messages a second; 0: as many as are acknowledged.", min=0)] = 0,
    seed: Seed = 7,
    cluster: Annotated[
        bool,
        typer.Option("--cluster", help="On the broker and the stores that TRIALBRIDGE_ settings name; empty ones."),
    ] = False,
    json: Json = False,
) -> None:
    """HL7 v2 by HTTP to patient views: throughput, acknowledgement and view; ratio to parse and conversion alone."""
    asked = Asked(messages, clients, outstanding, seed, workers, viewers, converters, rate)
    result: dict[str, Any] = {
        "bench": "gateway",
        "seed": seed,
        "machine": machine(),
        "mode": "cluster" if cluster else "embedded",
    }
    said: dict[str, Any] = {"messages": messages, "clients": clients, "outstanding": outstanding}
    said |= {"converters": converters, "rate": rate}
    if cluster:
        said |= {"workers": workers, "viewers": viewers}
    _print(result | said | measure_door(asked, cluster=cluster), json=json)


@app.command()
def transport(
    kafka: Kafka,
    records: Annotated[int, typer.Option(help="How many records.")] = 50_000,
    per_message: Annotated[int, typer.Option(help="Records in a message.")] = 50,
    seed: Seed = 7,
    json: Json = False,
) -> None:
    """The same stage with a table on the embedded log and on Kafka, in turn."""
    with tempfile.TemporaryDirectory(prefix="trialbridge-bench-") as folder:
        rates = asyncio.run(_transports(Path(folder), kafka, records, per_message, seed))
    result = {"bench": "transport", "seed": seed, "machine": machine(), "records": records, "per_message": per_message}
    _print(result | {"records_per_second": summary(rates, "embedded", "kafka"), "baseline": "kafka"}, json=json)


async def _transports(folder: Path, kafka: str, records: int, per_message: int, seed: int) -> dict[str, float]:
    found: dict[str, list[float]] = {"embedded": [], "kafka": []}
    async with _ports(folder) as ports:
        for turn in range(TURNS):
            embedded = settings_for(f"trialbridge-embedded://{folder / f'log-{turn}.db'}", "bench")
            found["embedded"].append(await measure_stage(embedded, ports, records, per_message, seed))
            on_kafka = settings_for(f"trialbridge-kafka://{kafka}", "bench")
            found["kafka"].append(await measure_stage(on_kafka, ports, records, per_message, seed))
    return _best(found)


@contextlib.asynccontextmanager
async def _ports(folder: Path) -> AsyncIterator[Ports]:
    """Yield the ports of a bench stage; its documents (heartbeats) go to a throw-away store."""
    given = embedded_settings(DemoOptions(state=folder / "state"))
    async with open_ports(read_settings(BaseServiceSettings, **own(BaseServiceSettings, given))) as ports:
        yield Ports(ports.documents, ports.seal, ports.now)


@app.command()
def lane(
    kafka: Kafka,
    records: Annotated[int, typer.Option(help="How many records.")] = 50_000,
    per_message: Annotated[int, typer.Option(help="Records in a message.")] = 50,
    seed: Seed = 7,
    json: Json = False,
) -> None:
    """The fast lane with a table against plain Faust with a table, on Kafka, in turn."""
    with tempfile.TemporaryDirectory(prefix="trialbridge-bench-") as folder:
        rates = asyncio.run(_lanes(Path(folder), kafka, records, per_message, seed))
    result = {"bench": "lane", "seed": seed, "machine": machine(), "records": records, "per_message": per_message}
    _print(result | {"records_per_second": summary(rates, "lane", "faust"), "baseline": "faust"}, json=json)


async def _lanes(folder: Path, kafka: str, records: int, per_message: int, seed: int) -> dict[str, float]:
    broker = f"trialbridge-kafka://{kafka}"
    found: dict[str, list[float]] = {"lane": [], "faust": []}
    async with _ports(folder) as ports:
        for _ in range(TURNS):
            found["lane"].append(await measure_stage(settings_for(broker, "bench"), ports, records, per_message, seed))
            found["faust"].append(await measure_plain(settings_for(broker, "bench"), ports, records, per_message, seed))
    return _best(found)


def _best(found: Mapping[str, list[float]]) -> dict[str, float]:
    """Return the best turn of each: what else ran on the machine only ever slows a turn down."""
    return {name: max(rates) for name, rates in found.items()}


@app.command()
def engine(
    patients: Annotated[int, typer.Option(help="How many synthetic patients.", min=1000)] = 10_000,
    trials: Annotated[int, typer.Option(help="How many synthetic trials.", min=20)] = 500,
    processes: Annotated[int, typer.Option(help="How many sweep side by side; 0: one for each core.")] = 0,
    seed: Seed = 7,
    json: Json = False,
) -> None:
    """The criteria engine alone: full sweep, one changed patient, one changed trial, memory; ratio to every trial for every patient."""
    texts = measured.definitions(trials, seed)
    result: dict[str, Any] = {"bench": "engine", "seed": seed, "machine": machine()}
    result["sweep"] = measured.sweep(texts, patients, seed, processes or os.cpu_count() or 1)
    result["against_every_trial"] = measured.against_brute_force(texts, seed)
    result["changed_patient"] = measured.changed_patients(texts, seed)
    result["changed_trial"] = in_a_process(measured.changed_trials, texts, patients, seed)
    result["bytes_per_trial"] = in_a_process(measured.trial_bytes, texts)
    result["wide_criterion"] = measured.wide_criterion()
    result["worst_cases"] = worst_cases()
    result["reading"] = reading(seed)
    _print(result, json=json)


@app.command(name="convert")
def conversion(
    large: Annotated[
        bool, typer.Option("--large", help="Also the memory of 30 MB of C-CDA and of 100 MB of NDJSON; takes a minute.")
    ] = False,
    json: Json = False,
) -> None:
    """Conversion by format on one core, checks and account with it: HL7 v2, C-CDA, FHIR; ratios to the common libraries."""
    result: dict[str, Any] = {"bench": "convert", "machine": machine()}
    result["v2"] = in_a_process(v2_bench.rates)
    result["ccda"] = in_a_process(ccda_bench.times)
    result["fhir"] = in_a_process(fhir_bench.rates)
    if large:
        result["memory"] = {
            "ccda": in_a_process(ccda_bench.memory, 30),
            "fhir": in_a_process(fhir_bench.memory, 100),
        }
    _print(result, json=json)


def _print(result: dict[str, Any], *, json: bool) -> None:
    if json:
        emit(result)
    else:
        OUT.print_json(data=result)
