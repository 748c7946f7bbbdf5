"""Whether the environment's settings are all understood, for every service at once: nothing is opened for this."""

import difflib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from services.cli.house import SERVICES, own
from services.portal.settings import PortalSettings
from trialbridge.contracts.errors import Misconfigured
from trialbridge.runtime.settings import BaseServiceSettings, read_settings

PREFIX: Final = "TRIALBRIDGE_"
NEAR: Final = 0.75
"""How like a setting's name another one must be to be a slip of the pen; the rest is somebody else's."""
PORTAL: Final = "portal"
KINDS: Final[Mapping[str, type[BaseServiceSettings]]] = {
    **{name: service.settings for name, service in SERVICES.items()},
    PORTAL: PortalSettings,
}
"""The settings of each service."""
_EACH: Final = re.compile(rf"\s(?={PREFIX}[A-Z_]+: )")


def check_settings(names: Iterable[str] = KINDS, given: Mapping[str, Any] | None = None) -> None:
    """Return where the named services' settings and all names in the environment are understood.

    Raises `Misconfigured` ``settings.invalid`` with every problem, before anything is opened.
    """
    found = list(problems(names, given))
    if found:
        raise Misconfigured("settings.invalid", " ".join(found))


def problems(names: Iterable[str] = KINDS, given: Mapping[str, Any] | None = None) -> list[str]:
    """Return what is wrong with settings, one sentence for each, which names it and says how to mend it."""
    found: dict[str, None] = dict.fromkeys(_unknown(os.environ))
    kinds: list[type[BaseServiceSettings]] = [BaseServiceSettings, *(KINDS[name] for name in names)]
    for kind in kinds:
        try:
            read_settings(kind, **own(kind, given or {}))
        except Misconfigured as error:
            found |= dict.fromkeys(_EACH.split(error.message))
    return list(found)


def _unknown(names: Iterable[str]) -> Iterator[str]:
    known = {field.upper() for kind in KINDS.values() for field in kind.model_fields}
    for name in sorted(one.removeprefix(PREFIX) for one in names if one.startswith(PREFIX)):
        near = [] if name in known else difflib.get_close_matches(name, known, n=1, cutoff=NEAR)
        if near:
            yield f"{PREFIX}{name}: there is no such setting; did you mean {PREFIX}{near[0]}?"
