"""``trialbridge keys``: make a key ring, add a network's or practice's key, put new keys in use, hold what senders encrypt to."""

from pathlib import Path
from typing import Annotated

import typer

from services.cli.output import emit, remark, say
from services.cli.places import State, settings_of
from trialbridge.contracts.errors import Refused
from trialbridge.runtime.keys.keyring import add_scopes, create_keyring, read_keyring, rotate_keyring
from trialbridge.runtime.keys.private import add_private
from trialbridge.runtime.keys.ring import private_of, read_ring
from trialbridge.runtime.serve import utc_now
from trialbridge.runtime.settings import BaseServiceSettings, read_settings
from trialbridge.vault.keys import PrivateKind
from trialbridge.vault.recipients import make as make_private
from trialbridge.vault.recipients import public as public_half

app = typer.Typer(no_args_is_help=True, help="The file key ring: one wrapping key for each network and practice.")
Scopes = Annotated[list[str], typer.Argument(help="Networks and practices, such as default and north-clinic.")]


@app.command()
def make(scopes: Scopes) -> None:
    """Make the key ring that TRIALBRIDGE_KEYRING names, readable by its owner alone; never replaces one."""
    path = read_settings(BaseServiceSettings).keyring
    create_keyring(path, scopes)
    say(f"{path}: made. Keep a copy apart: without it nothing that it sealed can be opened.")


@app.command()
def add(scopes: Scopes, state: State = None) -> None:
    """Add keys for networks and practices that have none yet; running services take them at once."""
    path = settings_of(state).keyring
    add_scopes(path, scopes)
    say(f"{path}: holds keys for {', '.join(scopes)}")


@app.command()
def rotate(
    scopes: Annotated[list[str] | None, typer.Argument(help="Of these; of all where none is named.")] = None,
    state: State = None,
) -> None:
    """Put new wrapping keys in use; what older ones wrapped still opens."""
    path = settings_of(state).keyring
    read_keyring(path)
    rotate_keyring(path, scopes or ())
    say(f"{path}: new keys are in use for {', '.join(scopes or ['all networks and practices'])}")


recipients = typer.Typer(
    no_args_is_help=True, help="Keys that a practice encrypts its bundles to: age, gpg, openssl cms, AWS."
)
app.add_typer(recipients, name="recipient")
Practice = Annotated[str, typer.Argument(help="The practice, as its tickets name it.")]
Kind = Annotated[PrivateKind, typer.Option("--kind", help="The container that it is for.")]


@recipients.command("add")
def add_recipient(practice: Practice, kind: Kind, state: State = None) -> None:
    """Make a private key for a practice and write what its senders encrypt to; older keys go on opening what they opened."""
    _hold(settings_of(state).keyring, practice, kind, make_private(kind, practice, utc_now()))


@recipients.command("import")
def import_recipient(
    practice: Practice,
    kind: Kind,
    file: Annotated[
        Path, typer.Argument(help="The private key without a passphrase: age identity, gpg export, PEM.", exists=True)
    ],
    state: State = None,
) -> None:
    """Take over a private key that a practice's senders encrypt to already. Delete the file afterwards."""
    _hold(settings_of(state).keyring, practice, kind, file.read_bytes())


@recipients.command("export")
def export_recipient(practice: Practice, kind: Kind, state: State = None) -> None:
    """Write what the practice's senders encrypt to now: the public half of its newest key."""
    found = private_of(read_ring(Path(settings_of(state).keyring)), practice, kind)
    if not found:
        raise Refused("key.unknown", f"The key ring has no {kind} key for {practice}; trialbridge keys recipient add.")
    _write(kind, found[0].secret)


def _write(kind: PrivateKind, secret: bytes) -> None:
    for line in public_half(kind, secret).splitlines():
        say(line)


def _hold(ring: Path, practice: str, kind: PrivateKind, secret: bytes) -> None:
    name = add_private(ring, practice, kind, secret)
    _write(kind, secret)
    remark(f"{name}: held in {ring}. What is written above is public; give it to the senders of {practice}.")


@app.command("list")
def list_scopes(
    state: State = None, json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False
) -> None:
    """List whom the ring has keys for and which key is in use; never a key itself."""
    ring = read_ring(Path(settings_of(state).keyring))
    for scope, own in sorted(ring.scopes.items()):
        if json:
            emit({"scope": scope, "current": own.current, "keys": len(own.keys), "recipients": sorted(own.private)})
        else:
            held = f"  recipients: {', '.join(sorted(own.private))}" if own.private else ""
            say(f"{scope}  in use: {own.current}  keys: {len(own.keys)}{held}")
