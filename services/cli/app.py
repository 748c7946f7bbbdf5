"""The command line's table of contents; a command's own imports are made when it is called for."""

from importlib import import_module
from typing import Any, Final

import typer
from typer.main import get_command

from services.cli.front import Front

COMMANDS: Final = {
    "demo": ("services.cli.demo.command", "demo"),
    "run": ("services.cli.run", "run"),
    "ticket": ("services.cli.ticket", "app"),
    "match": ("services.cli.match", "match"),
    "feasibility": ("services.cli.feasibility", "feasibility"),
    "convert": ("services.cli.convert", "convert"),
    "trial": ("services.cli.regulatory", "app"),
    "terminology": ("services.cli.terminology", "app"),
    "dead-letters": ("services.cli.dead_letters", "app"),
    "gateway": ("services.cli.gateway", "app"),
    "notifications": ("services.cli.notifications", "app"),
    "codes": ("services.cli.codes", "app"),
    "bench": ("services.cli.bench.command", "app"),
    "keys": ("services.cli.keys", "app"),
    "doctor": ("services.cli.doctor", "doctor"),
}
"""Where each command is: a module, and in it a function or a group of commands."""


class Contents(Front):
    """The group of all commands: `match` need not wait for the libraries of brokers and stores."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names in the order of the table."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command by its name, None where there is none."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        if cmd_name not in self.commands:
            module, name = COMMANDS[cmd_name]
            found = getattr(import_module(module), name)
            # Completion is the whole command's, not each one's.
            group = typer.Typer(add_completion=False)
            if isinstance(found, typer.Typer):
                group.add_typer(found, name=cmd_name)
            else:
                group.command(cmd_name)(found)
            made: Any = get_command(group)
            self.commands[cmd_name] = made.commands[cmd_name] if isinstance(found, typer.Typer) else made
        return self.commands[cmd_name]


app = typer.Typer(name="trialbridge", cls=Contents, no_args_is_help=True, pretty_exceptions_enable=False)


@app.callback()
def trialbridge() -> None:
    """Encrypted medical records in, explained clinical trial matches out."""
