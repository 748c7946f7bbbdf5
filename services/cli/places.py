"""Where a command finds stores and key ring: in the folder that ``--state`` names, else where the settings say."""

from pathlib import Path
from typing import Annotated, Any

import typer

from trialbridge.contracts.errors import Refused
from trialbridge.runtime.settings import BaseServiceSettings, read_settings

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

    Raises `Refused` ``state.missing`` where the folder holds no state.
    """
    if state is None:
        return {}
    if not (state / "keys.json").is_file():
        raise Refused(
            "state.missing", f"There is no state in {state}; a run of the demo makes one with --state {state}."
        )
    return stores_below(state)


def settings_of(state: Path | None) -> BaseServiceSettings:
    """Return the settings that all services share; raise `Misconfigured` or `Refused` ``state.missing``."""
    return read_settings(BaseServiceSettings, **given_by(state))
