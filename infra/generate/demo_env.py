"""``infra/demo.env``: what ``docker compose --env-file`` needs for the demo, from the demo's own constants."""

from pathlib import Path

from services.cli.demo.sign_ins import SIGN_INS
from trialbridge.testkit.world import AS_OF

HEADER = """\
# Generated from the demo by `make docs`. Do not edit. For made-up patients only: anybody may sign in with one click.
"""


def render(_root: Path) -> str:
    """Return the file's text."""
    buttons = ",".join(one.model_dump_json() for one in SIGN_INS)
    lines = (
        f"TRIALBRIDGE_AS_OF={AS_OF.isoformat()}",
        f"TRIALBRIDGE_DEMO_SIGN_INS='[{buttons}]'",
        "TRIALBRIDGE_SECURE_COOKIES=false",
    )
    return HEADER + "\n".join(lines) + "\n"
