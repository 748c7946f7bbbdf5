"""Which services there are, and their settings, read from the tree: a new service cannot be forgotten."""

from importlib import import_module
from pathlib import Path

from infra.generate.faults import Fault
from trialbridge.runtime.settings import BaseServiceSettings


def services(root: Path) -> list[str]:
    """Return the names of the folders of ``services/`` that are services with settings of their own, sorted."""
    return sorted(path.parent.name for path in (root / "services").glob("*/settings.py"))


def settings_of(service: str) -> type[BaseServiceSettings]:
    """Return the settings class of a service; raise `Fault` where its settings module does not define exactly one."""
    module = import_module(f"services.{service}.settings")
    found = [
        kind
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, BaseServiceSettings) and kind.__module__ == module.__name__
    ]
    if len(found) != 1:
        raise Fault(f"services/{service}/settings.py must define one class of settings; it defines {len(found)}")
    return found[0]
