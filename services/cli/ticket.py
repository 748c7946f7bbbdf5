"""``trialbridge ticket``: hand a file of records to the coat check."""

import asyncio
from pathlib import Path
from typing import Annotated, Final

import typer

from services.cli.delivery import Parcel, issue, put_parcel
from services.cli.output import EXIT_INPUT, OUT, complain, emit
from trialbridge.contracts.documents import COMMANDS, TICKETS, TicketDoc
from trialbridge.contracts.ids import NetworkId, SourceId, TenantId, TicketId, ticket_id
from trialbridge.runtime.serve import open_ports, utc_now
from trialbridge.runtime.settings import BaseServiceSettings, read_settings

MEDIA: Final = {
    ".json": "application/fhir+json",
    ".ndjson": "application/fhir+ndjson",
    ".hl7": "x-application/hl7-v2+er7",
    ".er7": "x-application/hl7-v2+er7",
}
PAUSE: Final = 0.2


def ticket(
    file: Annotated[
        Path,
        typer.Argument(help="FHIR JSON or NDJSON, or HL7 v2; may be compressed.", exists=True, dir_okay=False),
    ],
    tenant: Annotated[str, typer.Option(help="The practice that sends it.")],
    source: Annotated[str, typer.Option(help="The feed, for example north-clinic/ehr.")],
    network: Annotated[str, typer.Option(help="The network of practices that share one view per patient.")] = "default",
    media_type: Annotated[str, typer.Option(help="Of the innermost content; guessed from the name by default.")] = "",
    wait: Annotated[float, typer.Option(help="Seconds to wait for the outcome.")] = 30.0,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Encrypt a file, store it, issue its ticket, and say how it was redeemed. The services must be running."""
    kind = media_type or next((MEDIA[suffix] for suffix in file.suffixes if suffix in MEDIA), "")
    if not kind:
        raise typer.BadParameter("the name does not tell what it holds; give --media-type")
    now = utc_now()
    parcel = Parcel(
        NetworkId(network), TenantId(tenant), SourceId(source), f"{source}/{now:%Y%m%dT%H%M%S%f}-{file.name}", kind,
        file.read_bytes(), now.isoformat(),
    )  # fmt: skip
    identity, doc = asyncio.run(_deliver(parcel, wait))
    (_emit if json else _show)(identity, doc)
    if doc is None or doc.status != "redeemed":
        raise typer.Exit(EXIT_INPUT)


async def _deliver(parcel: Parcel, wait: float) -> tuple[TicketId, TicketDoc | None]:
    """Store the parcel, ask for its ticket, and return the ticket as it stands once redeemed or after ``wait`` seconds."""
    async with open_ports(read_settings(BaseServiceSettings)) as ports:
        info, sha256 = await put_parcel(ports, parcel)
        await ports.documents.upsert(COMMANDS, [issue(ports, parcel, info, sha256)])
        identity = ticket_id(parcel.tenant, info.uri, info.version)
        waited, doc = 0.0, None
        while waited < wait and (doc is None or doc.status in {"issued", "waiting"}):
            await asyncio.sleep(PAUSE)
            waited += PAUSE
            doc = await ports.documents.get(TICKETS, identity)
    return identity, doc


def _emit(identity: TicketId, doc: TicketDoc | None) -> None:
    answer = {"ticket": identity, "status": doc.status if doc else "requested"}
    if doc:
        answer |= {"code": doc.code, "message": doc.message, "where": str(doc.place)}
    counts = {"patients": doc.patients, "resources": doc.resources, "set_aside": doc.set_aside} if doc else {}
    emit(answer | counts)


def _show(identity: TicketId, doc: TicketDoc | None) -> None:
    if doc is None:
        OUT.print(f"{identity}: asked for; no coat check has taken it up yet. Do the services run?")
    elif doc.status == "redeemed":
        OUT.print(
            f"{identity}: redeemed; {doc.patients} patients, {doc.resources} resources, {doc.set_aside} set aside"
        )
    elif doc.code:
        complain(str(doc.place), doc.code, doc.message)
    else:
        OUT.print(f"{identity}: {doc.status}; see it on the operator page")
