"""Where a command finds stores and key ring: in the folder that ``--state`` names, else where the settings say."""

from pathlib import Path
from typing import Annotated, Any, Final

import typer

from trialbridge.contracts.errors import Misconfigured, Refused
from trialbridge.runtime.settings import BaseServiceSettings, read_settings

STORES: Final = ("log.db", "documents.db", "objects")
State = Annotated[
    Path | None,
    typer.Option(help="Folder of embedded stores, such as .trialbridge/demo; else TRIALBRIDGE_ settings say where."),
]


def stores_below(state: Path) -> dict[str, Any]:
    """Return the settings of embedded stores and key ring in one folder."""
    folder = state.resolve()
    return {
        "broker": f"trialbridge-embedded://{folder / 'log.db'}",
        "documents": f"sqlite://{folder / 'documents.db'}",
        "objects": f"file://{folder / 'objects'}",
        "keyring": folder / "keys.json",
    }


def given_by(state: Path | None) -> dict[str, Any]:
    """Return the settings that ``--state`` gives; none without it.

    Raises `Refused` ``state.missing`` where the folder holds no state, `Misconfigured` ``keyring.missing`` as `check_keyring`.
    """
    if state is None:
        return {}
    check_keyring(state)
    if not (state / "keys.json").is_file():
        raise Refused(
            "state.missing", f"There is no state in {state}; a run of the demo makes one with --state {state}."
        )
    return stores_below(state)


def check_keyring(state: Path) -> None:
    """Return unless a folder's stores lie there without their key ring.

    Raises `Misconfigured` ``keyring.missing``: a new ring would open nothing of what they hold.
    """
    if not (state / "keys.json").exists() and any((state / name).exists() for name in STORES):
        raise Misconfigured(
            "keyring.missing",
            f"{state} holds stores, but not their key ring keys.json, without which nothing of theirs can be opened. Put "
            "the ring's copy back, or name an empty folder with --state.",
        )


def settings_of(state: Path | None) -> BaseServiceSettings:
    """Return the settings that all services share; raise `Misconfigured` or `Refused` ``state.missing``."""
    return read_settings(BaseServiceSettings, **given_by(state))
