"""``trialbridge gateway``: who may send HL7 v2 to the real-time door."""

import os
import secrets
import ssl
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer

from services.cli.output import emit, say
from services.gateway.clients import Client, read_clients
from trialbridge.access.passwords import hash_password
from trialbridge.contracts.errors import Misconfigured, Refused
from trialbridge.contracts.ids import NetworkId, SourceId, TenantId

app = typer.Typer(no_args_is_help=True, help="The real-time door: who may send HL7 v2 by HTTP and MLLP.")
SECRET_BYTES: Final = 32
SALT_BYTES: Final = 16


@app.callback()
def gateway() -> None:
    """Have commands below it, of which there is one so far."""


@app.command("add-client")
def add_client(
    clients: Annotated[Path, typer.Argument(help="The file that TRIALBRIDGE_CLIENTS_FILE names; made if absent.")],
    name: Annotated[str, typer.Option("--client", help="Its name, such as north-engine.")],
    practice: Annotated[str, typer.Option(help="Whose messages it sends, such as north-clinic.")],
    network: Annotated[str, typer.Option(help="The network that the practice belongs to.")] = "default",
    feed: Annotated[str, typer.Option(help="The feed: PRACTICE/NAME.")] = "",
    certificate: Annotated[Path | None, typer.Option(help="PEM file with its client certificate for MLLP.")] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Add a client; say its API key and OAuth secret, this one time. Only their hashes are kept; the gateway reads them at start."""
    known = list(read_clients(clients)) if clients.exists() else []
    if any(one.client == name for one in known):
        raise Refused("gateway.client-known", "There is a client of this name; take its entry out of the file first.")
    key, secret = secrets.token_urlsafe(SECRET_BYTES), secrets.token_urlsafe(SECRET_BYTES)
    added = Client(
        client=name,
        tenant=TenantId(practice),
        network=NetworkId(network),
        source=SourceId(feed or f"{practice}/hl7v2"),
        secret=hash_password(secret, secrets.token_bytes(SALT_BYTES)),
        api_key=sha256(key.encode()).hexdigest(),
        certificate=_fingerprint(certificate) if certificate else "",
    )
    _write(clients, [*known, added])
    if json:
        emit({"client": name, "api_key": key, "client_secret": secret, "feed": added.source})
        return
    say(f"{clients}: knows {name}, which sends as {added.source}. Start the gateway again.")
    say(f"API key:       {key}")
    say(f"Client secret: {secret}")


def _write(path: Path, clients: list[Client]) -> None:
    """Replace the file in one step, after a look whether the gateway would take it."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o600
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(clients), indent=2) + b"\n")
    try:
        read_clients(fresh)
    except Misconfigured:
        fresh.unlink()
        raise
    fresh.chmod(mode)
    fresh.replace(path)


def _fingerprint(path: Path) -> str:
    try:
        return sha256(ssl.PEM_cert_to_DER_cert(path.read_text().strip())).hexdigest()
    except (OSError, ValueError):
        raise Refused("gateway.bad-certificate", "The certificate is not a PEM file with one certificate.") from None
