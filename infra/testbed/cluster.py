"""``python -m infra.testbed.cluster up|down``: every service as a process of its own on the test bed, until it is taken down."""

import shlex
import sys
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from infra.bucket import make_bucket
from infra.testbed.__main__ import PARTS
from infra.testbed.__main__ import up as servers_up
from infra.testbed.process import RUN, NotHere, free_port, pid_of, start, stop
from services.cli.demo.sign_ins import SIGN_INS
from services.cli.house import SERVICES
from trialbridge.runtime.settings import BaseServiceSettings, read_settings
from trialbridge.runtime.stores import create_keyring
from trialbridge.testkit.places import NETWORK, TENANTS
from trialbridge.testkit.pseudonyms import PSEUDONYM_KEY
from trialbridge.testkit.world import AS_OF

NAME: Final = "trialbridge"
FOLDER: Final = RUN / "cluster"
PORTAL: Final = "portal"
PORTAL_PORT: Final = 8080
ALL: Final = (*tuple(SERVICES)[::-1], PORTAL)
"""In the order of their start: readers before writers."""


def environment(reach: Mapping[str, str], folder: Path, name: str = NAME) -> dict[str, str]:
    """Return the settings of an installation, with its key ring and credentials in files under ``folder``.

    Its database and its bucket are called ``name``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    keyring, credentials = folder / "keys.json", folder / "credentials"
    if not keyring.exists():
        create_keyring(keyring, [NETWORK, "own-data", *(tenant.id for tenant in TENANTS)], PSEUDONYM_KEY)
    credentials.touch(mode=0o600)
    credentials.write_text(f"{reach['TRIALBRIDGE_TEST_S3_ACCESS']}\n{reach['TRIALBRIDGE_TEST_S3_SECRET']}\n")
    return {
        "TRIALBRIDGE_BROKER": f"trialbridge-kafka://{reach['TRIALBRIDGE_TEST_KAFKA']}",
        "TRIALBRIDGE_DOCUMENTS": reach["TRIALBRIDGE_TEST_MONGO"].replace("/?", f"/{name}?"),
        "TRIALBRIDGE_OBJECTS": f"s3://{name}?endpoint={reach['TRIALBRIDGE_TEST_S3']}",
        "TRIALBRIDGE_OBJECT_CREDENTIALS_FILE": str(credentials),
        "TRIALBRIDGE_KEYRING": str(keyring),
        # The day on which the demo's patients and trials live.
        "TRIALBRIDGE_AS_OF": AS_OF.isoformat(),
    }


def up() -> int:
    """Start servers and services, each awaited until it is ready; say how to use them. Return the exit code."""
    reach, missing = servers_up()
    if missing:
        sys.stderr.write("".join(f"{name} is not here: {why}\n" for name, why in missing.items()))
        return 1
    settings = environment(reach, FOLDER)
    exports = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in settings.items())
    note = FOLDER / "environment"
    if note.is_file() and note.read_text() != exports:
        _stop_services()  # What still runs belongs to servers that are gone.
    note.write_text(exports)
    make_bucket(read_settings(BaseServiceSettings, **fields(settings)))
    for service in ALL:
        if pid_of(f"cluster/{service}") is None:
            _start(service, settings)
    sys.stdout.write(
        f"{len(ALL)} services are ready. Logs: {FOLDER}\n"
        f"The portal: {(FOLDER / PORTAL / 'address').read_text()}\n"
        f"Feed them: . {note} && .venv/bin/trialbridge demo --attach --once\n"
    )
    return 0


def down() -> int:
    """Stop services, then servers; return the exit code."""
    _stop_services()
    for part in PARTS:
        stop(part)
    return 0


def _stop_services() -> None:
    for service in reversed(ALL):
        stop(f"cluster/{service}")


def _start(service: str, settings: Mapping[str, str]) -> None:
    """Start one service, wait until it is ready, and note its address."""
    port = free_port(PORTAL_PORT if service == PORTAL else 0)
    if service == PORTAL:
        buttons = "[" + ",".join(one.model_dump_json() for one in SIGN_INS) + "]"
        own = {"PORTAL_PORT": str(port), "DEMO_SIGN_INS": buttons, "SECURE_COOKIES": "false"}
    else:
        own = {"HEALTH_PORT": str(port)}
    given = {**settings, **{f"TRIALBRIDGE_{name}": value for name, value in own.items()}}
    start(f"cluster/{service}", [sys.executable, "-m", f"services.{service}"], lambda: _ready(port), given, 120)
    (FOLDER / service / "address").write_text(f"http://127.0.0.1:{port}")


def _ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as answer:
            return bool(answer.status == 200)  # noqa: PLR2004 - HTTP OK
    except OSError:
        return False


def fields(settings: Mapping[str, str]) -> dict[str, str]:
    """Return what of an environment the settings of every service take, by field."""
    given = {name.removeprefix("TRIALBRIDGE_").lower(): value for name, value in settings.items()}
    return {name: value for name, value in given.items() if name in BaseServiceSettings.model_fields}


def main() -> int:
    """Run the command named on the command line."""
    try:
        return down() if sys.argv[1:] == ["down"] else up()
    except NotHere as error:
        sys.stderr.write(f"{error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
