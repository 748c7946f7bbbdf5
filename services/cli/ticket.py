"""``trialbridge ticket``: hand a file of records to the coat check, and see what became of tickets."""

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from services.cli.asking import send
from services.cli.delivery import Parcel, check_parcel, issue, put_parcel
from services.cli.inputs import Troubles, read_input
from services.cli.output import EXIT_AWAY, EXIT_INPUT, OUT, complain, emit, say, show_rows
from services.cli.places import State, settings_of
from trialbridge.contracts.documents import COMMANDS, TICKETS, CommandDoc, TicketDoc
from trialbridge.contracts.errors import Refused
from trialbridge.contracts.ids import Digest, NetworkId, SourceId, TenantId, TicketId, digest, ticket_id
from trialbridge.emr.sniff import ENDINGS
from trialbridge.ledger.actions import Action
from trialbridge.runtime.paging import collect
from trialbridge.runtime.ports import ObjectInfo, Query
from trialbridge.runtime.serve import ServicePorts, open_ports, utc_now
from trialbridge.runtime.settings import BaseServiceSettings
from trialbridge.vault.containers.table import BY_NAME

MEDIA: Final = ENDINGS
PAUSE: Final = 0.2
OPEN: Final = ("issued", "waiting")


class Tickets(TyperGroup):
    """The ticket commands, where ``ticket FILE`` is short for ``ticket issue FILE``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put ``issue`` first where no command is named."""
        named = not args or args[0] in self.commands or args[0] in ctx.help_option_names
        return super().parse_args(ctx, args if named else ["issue", *args])


app = typer.Typer(
    cls=Tickets,
    no_args_is_help=True,
    help="Hand bundles to the coat check, and see what became of them. `ticket FILE` is short for `ticket issue FILE`.",
)


@app.command("issue")
def issue_ticket(
    file: Annotated[
        Path, typer.Argument(help="FHIR, HL7 v2, C-CDA, CSV, VCF or MAF; may be compressed or an archive.")
    ],
    tenant: Annotated[str, typer.Option(help="The practice that sends it.")],
    source: Annotated[str, typer.Option(help="The feed, for example north-clinic/ehr.")],
    network: Annotated[str, typer.Option(help="The network of practices that share one view per patient.")] = "default",
    media_type: Annotated[str, typer.Option(help="Of the innermost content; guessed from the name by default.")] = "",
    container: Annotated[str, typer.Option(help=f"How it is encrypted: {', '.join(BY_NAME)}.")] = "s3-v2",
    wait: Annotated[float, typer.Option(help="Seconds to wait for the outcome.", min=0)] = 30.0,
    state: State = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Encrypt a file, store it, issue its ticket, and say how it was redeemed. The services must be running.

    Exit code 0: redeemed; 1: refused, with the reason; 69: nobody has redeemed it within the wait.
    """
    troubles = Troubles()
    if not file.exists():
        troubles.note(file, "", "file.missing", "There is no such file; check the path.")
    body = None if troubles.found else read_input(file, troubles)
    if body is None:
        raise typer.Exit(EXIT_INPUT)
    if container not in BY_NAME:
        raise typer.BadParameter(f"must be one of {', '.join(BY_NAME)}", param_hint="--container")
    kind = media_type or next((MEDIA[one.lower()] for one in file.suffixes if one.lower() in MEDIA), "")
    if not kind:
        raise typer.BadParameter("the name does not tell what it holds; give --media-type", param_hint="file")
    now = utc_now()
    # Files are often named after patients; keys of objects are seen by everyone who runs the store.
    key = f"{source}/{now:%Y%m%dT%H%M%S%f}-{digest(body)[:16]}"
    parcel = Parcel(NetworkId(network), TenantId(tenant), SourceId(source), key, kind, body, now.isoformat(), container)
    outcome = asyncio.run(_deliver(settings_of(state), parcel, wait))
    if json:
        emit(outcome)
    else:
        _show(outcome)
    if outcome["status"] != "redeemed":
        raise typer.Exit(EXIT_AWAY if outcome["status"] in {"requested", *OPEN} else EXIT_INPUT)


async def _deliver(settings: BaseServiceSettings, parcel: Parcel, wait: float) -> dict[str, Any]:
    """Store the parcel, ask for its ticket, and return how it stands once redeemed or refused, or after ``wait`` seconds."""
    async with open_ports(settings) as ports:
        await check_parcel(ports, parcel)
        info, sha256 = await _stored(ports, parcel)
        asked = issue(ports, parcel, info, sha256)
        identity = ticket_id(parcel.tenant, info.uri, info.version)
        await send(ports, asked, Action.CLI_TICKET_ISSUED, identity)
        end = time.monotonic() + wait
        while True:
            doc = await ports.documents.get(TICKETS, identity)
            request = await ports.documents.get(COMMANDS, asked.id) or asked
            settled = request.status == "refused" or (doc is not None and doc.status not in OPEN)
            if settled or time.monotonic() >= end:
                return _outcome(identity, doc, request)
            await asyncio.sleep(PAUSE)


async def _stored(ports: ServicePorts, parcel: Parcel) -> tuple[ObjectInfo, Digest]:
    try:
        return await put_parcel(ports, parcel)
    except Refused as error:
        if error.code != "key.unknown" or parcel.container not in {"s3-v2", "s3-v3"}:
            raise
        hint = f"The key ring has no key for this practice; trialbridge keys add {parcel.tenant} makes one."
        raise Refused(error.code, hint) from None


def _outcome(identity: TicketId, doc: TicketDoc | None, request: CommandDoc) -> dict[str, Any]:
    if doc is None:
        return {"ticket": identity, "status": request.status, "code": request.code, "message": request.message}
    return _line(doc)


def _line(doc: TicketDoc) -> dict[str, Any]:
    return {
        "ticket": doc.id, "status": doc.status, "code": doc.code, "message": doc.message,
        "where": str(doc.place) if doc.code else "", "tenant": doc.tenant, "source": doc.source,
        "object": doc.object_uri, "patients": doc.patients, "resources": doc.resources, "set_aside": doc.set_aside,
        "updated": doc.updated,
    }  # fmt: skip


def _show(outcome: Mapping[str, Any]) -> None:
    if outcome["status"] == "redeemed":
        counts = f"{outcome['patients']} patients, {outcome['resources']} resources, {outcome['set_aside']} set aside"
        say(f"{outcome['ticket']}: redeemed; {counts}")
    elif outcome["code"]:
        complain(outcome.get("where") or outcome["ticket"], outcome["code"], outcome["message"])
    else:
        asked = "asked for; no coat check has taken it up yet. Do the services run?"
        said = asked if outcome["status"] == "requested" else f"{outcome['status']}; see trialbridge ticket list"
        complain(outcome["ticket"], "ticket.open", said)


@app.command("list")
def list_tickets(
    status: Annotated[
        str, typer.Option(help="Only issued, waiting, redeemed, refused, expired or orphaned ones.")
    ] = "",
    state: State = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """List tickets, the newest last, with what became of them."""
    docs = asyncio.run(_find(settings_of(state), status))
    if json:
        for doc in docs:
            emit(_line(doc))
    elif docs:
        show_rows(OUT, ("ticket", "status", "bundle", "patients", "set aside", "why"), [_row(doc) for doc in docs])
    else:
        say("No such ticket." if status else "No ticket yet: trialbridge ticket issue FILE makes one.")


async def _find(settings: BaseServiceSettings, status: str) -> list[TicketDoc]:
    async with open_ports(settings) as ports:
        found = await collect(ports.documents, TICKETS, Query(where={"status": status} if status else {}, limit=500))
    return sorted(found, key=lambda doc: (doc.updated, doc.id))


def _row(doc: TicketDoc) -> tuple[str, ...]:
    bundle = doc.object_uri.rpartition(f"/{doc.source}/")[2] or doc.object_uri
    return doc.id, doc.status, f"{doc.source}: {bundle}", str(doc.patients), str(doc.set_aside), doc.code
