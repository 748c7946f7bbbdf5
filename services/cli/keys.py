"""``trialbridge keys``: make a key ring, add a network's or practice's key, put new keys in use."""

from pathlib import Path
from typing import Annotated

import typer

from services.cli.output import emit, say
from services.cli.places import State, settings_of
from trialbridge.runtime.keys.keyring import add_scopes, create_keyring, read_keyring, rotate_keyring
from trialbridge.runtime.keys.ring import read_ring
from trialbridge.runtime.settings import BaseServiceSettings, read_settings

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


@app.command("list")
def list_scopes(
    state: State = None, json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False
) -> None:
    """List whom the ring has keys for and which key is in use; never a key itself."""
    ring = read_ring(Path(settings_of(state).keyring))
    for scope, own in sorted(ring.scopes.items()):
        if json:
            emit({"scope": scope, "current": own.current, "keys": len(own.keys)})
        else:
            say(f"{scope}  in use: {own.current}  keys: {len(own.keys)}")
