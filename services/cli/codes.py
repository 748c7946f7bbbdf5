"""``trialbridge codes``: codes of feeds' own, what they might mean, and what people decide of them."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import typer

from services.cli.asking import OPERATOR, answer_to, command, send, tell_answers
from services.cli.code_sheet import Feed, read_sheet, write_sheet
from services.cli.output import OUT, emit, say, show_rows
from services.cli.places import State, settings_of
from services.portal.views.codes import WITHHELD, CodePage, CodeRow, Reviewer, read_code, read_queue, told, withheld
from trialbridge.contracts.documents import CODE_CHANGES, CODE_TABLES, CodeChangeDoc, CommandDoc
from trialbridge.contracts.errors import Refused
from trialbridge.contracts.ids import NetworkId, SourceId, TenantId, feed_id
from trialbridge.emr.localcodes.book import Standing
from trialbridge.emr.localcodes.codes import Target
from trialbridge.ledger.actions import Action
from trialbridge.runtime.paging import collect
from trialbridge.runtime.ports import Query, Scalar
from trialbridge.runtime.serve import ServicePorts, open_ports

app = typer.Typer(no_args_is_help=True, help="Codes of feeds' own, and what people decide that they mean.")
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
Tenant = Annotated[
    str, typer.Option(help="Review for this practice: its feeds alone, with words that few patients' records hold.")
]
Source = Annotated[str, typer.Option(help="Only this feed, for example north-clinic/lis.")]
Identity = Annotated[str, typer.Argument(metavar="ID", help="The local code's id, as the list has it.")]
Wait = Annotated[float, typer.Option(help="Seconds to wait for patientview to take it up.", min=0)]
Note = Annotated[str, typer.Option(help="Why; it is kept, and must say nothing of a patient.")]
Shown = Literal["open", "accepted", "rejected"]


@app.command("list")
def list_codes(
    show: Annotated[Shown, typer.Option(help="Which: open, accepted or rejected ones.")] = "open",
    source: Source = "",
    limit: Annotated[int, typer.Option(help="At most so many.", min=1, max=5000)] = 50,
    tenant: Tenant = "",
    state: State = None,
    json: Json = False,
) -> None:
    """List local codes, those first that block most patients of open trials."""

    async def work(ports: ServicePorts) -> Sequence[CodeRow]:
        found = await read_queue(ports.documents, Reviewer(tenant), show, source, "", limit)
        return found.rows

    found = _on(state, work)
    if json:
        for one in found:
            emit(msgspec.to_builtins(one))
    elif not found:
        say("No such local codes.")
    else:
        heads = ("id", "feed", "kind", "code", "words", "blocked", "patients", "records", "meaning")
        show_rows(OUT, heads, [_cells(one) for one in found])


def _cells(one: CodeRow) -> tuple[str, ...]:
    likely = one.suggestion
    meaning = one.target or (f"{likely.target.system} {likely.target.code}? {likely.score}/100" if likely else "-")
    return (
        one.id, one.source, one.kind, one.code or "-", one.words, one.blocked, one.patients, one.count or "-", meaning,
    )  # fmt: skip


@app.command("suggest")
def suggest_meanings(identity: Identity, tenant: Tenant = "", state: State = None, json: Json = False) -> None:
    """Say what a local code might mean, with a score of 100 and the reason. Nothing is applied."""
    found = _on(state, lambda ports: _code(ports, identity, tenant))
    if json:
        for one in found.suggestions:
            emit(msgspec.to_builtins(one))
        return
    say(f"{found.row.words} ({found.row.kind} of {found.row.source}, {found.row.patients} patients)")
    for one in found.suggestions:
        say(f"{one.score:3}  {one.target.system} {one.target.code}  {one.target.display}\n     {one.why}")
    if not found.suggestions:
        say("Nothing in the tables and nothing accepted elsewhere is alike.")


@app.command()
def accept(
    identity: Identity,
    system: Annotated[
        str, typer.Argument(help="Of the standard code: loinc, snomed, icd10, oncotree, rxnorm, drug or ucum.")
    ],
    code: Annotated[str, typer.Argument(help="The standard code; of a drug, its generic name.")],
    name: Annotated[str, typer.Option(help="The standard code's name.")] = "",
    note: Note = "",
    tenant: Tenant = "",
    wait: Wait = 30.0,
    state: State = None,
    json: Json = False,
) -> None:
    """Accept what a local code means; the feed's records are read again with it. Patientview must be running."""
    body = {"action": "accept", "target": Target(system, code, name), "note": note}
    _decide(identity, body, tenant, wait, state, "accepted", json=json)


@app.command()
def reject(
    identity: Identity, note: Note = "", tenant: Tenant = "", wait: Wait = 30.0, state: State = None, json: Json = False
) -> None:
    """Leave a local code as it is: it gets no standard code and leaves the queue."""
    _decide(identity, {"action": "reject", "note": note}, tenant, wait, state, "left as it is", json=json)


@app.command()
def undo(identity: Identity, tenant: Tenant = "", wait: Wait = 30.0, state: State = None, json: Json = False) -> None:
    """Take the last decision on a local code back; what stood before stands again."""
    _decide(identity, {"action": "undo"}, tenant, wait, state, "undone", json=json)


def _decide(
    identity: str, body: dict[str, Any], tenant: str, wait: float, state: Path | None, done: str, *, json: bool
) -> None:
    async def work(ports: ServicePorts) -> CommandDoc:
        found = await _code(ports, identity, tenant)
        if found.row.withheld:
            raise Refused(
                "codes.withheld", "Too few patients' records hold this code: review for its practice, with --tenant."
            )
        feed = Feed(NetworkId(found.network), TenantId(found.row.tenant), SourceId(found.row.source))
        return await _ask(ports, feed, [{**body, "code": identity}], tenant, wait, identity)

    tell_answers([(identity, _on(state, work))], "codes", done, json=json)


@app.command()
def history(
    identity: Annotated[str, typer.Argument(metavar="[ID]", help="Of one local code; without it, of all.")] = "",
    source: Source = "",
    tenant: Tenant = "",
    state: State = None,
    json: Json = False,
) -> None:
    """List who decided what and when, the newest first; nothing of it is ever changed."""
    where: dict[str, Scalar | tuple[Scalar, ...]] = {
        name: value for name, value in (("code", identity), ("source", source), ("tenant", tenant)) if value
    }

    async def work(ports: ServicePorts) -> tuple[list[CodeChangeDoc], set[str]]:
        steps = await collect(ports.documents, CODE_CHANGES, Query(where, "-at", 500))
        return steps, await withheld(ports.documents, Reviewer(tenant), (one.code for one in steps))

    found, hidden = _on(state, work)
    if json:
        for one in found:
            emit(_step(one, hidden))
        return
    for one in found:
        step = _step(one, hidden)
        say(
            f"{one.at}  {one.code}  {one.source} v{one.number}  {one.actor}  {one.action}: "
            f"{step['before'] or 'nothing decided'} -> {step['after'] or 'nothing decided'}"
        )
    if not found:
        say("Nothing was decided yet.")


def _step(one: CodeChangeDoc, hidden: set[str]) -> dict[str, Any]:
    before, after = (told(msgspec.json.decode(raw, type=Standing | None)) for raw in (one.before, one.after))
    note = one.note
    if one.code in hidden:
        before, after, note = WITHHELD, WITHHELD, ""
    return {
        "code": one.code, "source": one.source, "version": one.number, "actor": one.actor, "at": one.at, "action": one.action,
        "before": before, "after": after, "note": note,
    }  # fmt: skip


@app.command("export")
def export_codes(
    out: Annotated[Path, typer.Argument(help="The CSV file to write.")],
    source: Source = "",
    tenant: Tenant = "",
    state: State = None,
) -> None:
    """Write accepted mappings as CSV, which import reads; codes whose words are withheld are left out and counted."""

    async def work(ports: ServicePorts) -> tuple[list[Any], list[CodeRow]]:
        found = await read_queue(ports.documents, Reviewer(tenant), "accepted", source, "", 20_000)
        tables = await collect(ports.documents, CODE_TABLES, Query(limit=500))
        return tables, list(found.rows)

    tables, rows = _on(state, work)
    hidden = {one.id for one in rows if one.withheld}
    chosen = [one for one in tables if tenant in ("", one.tenant) and source in ("", one.source)]
    count = write_sheet(out, chosen, hidden)
    left = f"; {len(hidden)} left out, whose words are shown to their practice alone" if hidden else ""
    say(f"{out}: {count} mappings{left}")


@app.command("import")
def import_codes(
    sheet: Annotated[Path, typer.Argument(help="A CSV file as export writes it.", exists=True, dir_okay=False)],
    network: Annotated[str, typer.Option(help="For this network instead of the file's.")] = "",
    source: Annotated[str, typer.Option(help="For this feed instead of the file's.")] = "",
    tenant: Annotated[str, typer.Option(help="For this practice's feed instead of the file's.")] = "",
    note: Note = "",
    wait: Wait = 60.0,
    state: State = None,
    json: Json = False,
) -> None:
    """Accept every mapping of a reviewed file, feed by feed: of each feed all or none. Patientview must be running."""
    decisions = read_sheet(sheet, Feed(NetworkId(network), TenantId(tenant), SourceId(source)), note)

    async def work(ports: ServicePorts) -> list[tuple[str, CommandDoc]]:
        return [
            (feed.source, await _ask(ports, feed, own, "", wait, feed_id(feed.network, feed.source)))
            for feed, own in decisions.items()
        ]

    answers = _on(state, work)
    tell_answers(answers, "codes", f"{sum(map(len, decisions.values()))} mappings accepted", json=json)


async def _ask(
    ports: ServicePorts, feed: Feed, decisions: Sequence[dict[str, Any]], tenant: str, wait: float, subject: str
) -> CommandDoc:
    body = {
        "network": feed.network, "tenant": feed.tenant, "source": feed.source,
        "reviewer": "practice" if tenant else "operator", "decisions": decisions,
    }  # fmt: skip
    asked = command(ports, "patientview", "review_codes", body, tenant=tenant or OPERATOR)
    request = msgspec.structs.replace(asked, network=feed.network)
    await send(ports, request, Action.CLI_CODE_REVIEWED, subject, str(decisions[0]["action"]))
    return await answer_to(ports, request, wait)


async def _code(ports: ServicePorts, identity: str, tenant: str) -> CodePage:
    found = await read_code(ports.documents, Reviewer(tenant), identity)
    if found is None:
        raise Refused(
            "codes.unknown", "There is no such local code; trialbridge codes list shows those that there are."
        )
    return found


def _on(state: Path | None, work: Any) -> Any:
    async def opened() -> Any:
        async with open_ports(settings_of(state)) as ports:
            return await work(ports)

    return asyncio.run(opened())
