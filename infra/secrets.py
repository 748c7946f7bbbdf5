"""``python -m infra.secrets [NETWORK|TENANT…]``: the files that docker-compose.yml mounts as secrets. Never replaces one.

The key ring gets a key for each network and tenant that is named, the demo's where none is; run again to add more. The folder is
its owner's alone. What lies in it: keyring.json, document_credentials, document_server_key,
object_credentials, users.json (one operator), operator_password, api_keys, clients.json (of the gateway; none yet).
"""

import os
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from infra.groups import ROOT
from trialbridge.access.passwords import hash_password
from trialbridge.access.scopes import Role
from trialbridge.runtime.keys.keyring import add_scopes, create_keyring
from trialbridge.testkit.places import NETWORK, TENANTS

FOLDER: Final = ROOT / ".trialbridge" / "secrets"
USER: Final = 10001
"""The user that the images run as, who gets the key ring where root makes it."""
DEMO: Final = (NETWORK, "own-data", *(tenant.id for tenant in TENANTS))
API_KEYS: Final = (
    "# One line for each sender that hands in tickets over HTTP: TENANT NETWORK KEY (24 characters or more)\n"
)


def make(folder: Path, scopes: Sequence[str]) -> list[str]:
    """Make the files that are not there yet, and keys for ``scopes``; return the names of the new files."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    made = []
    keyring = folder / "keyring.json"
    if keyring.exists():
        add_scopes(keyring, scopes)
    else:
        create_keyring(keyring, scopes)
        made.append(keyring.name)
    if os.geteuid() == 0:
        os.chown(keyring, USER, USER)
    if not (folder / "users.json").exists():
        password = secrets.token_urlsafe(18)
        user = {"name": "operator", "tenant": "network", "role": Role.OPERATOR}
        users = [{**user, "hash": hash_password(password, secrets.token_bytes(16))}]
        made += _write(folder / "operator_password", f"{password}\n", 0o600)
        made += _write(folder / "users.json", msgspec.json.encode(users).decode(), 0o444)
    made += _write(folder / "object_credentials", f"trialbridge\n{secrets.token_urlsafe(30)}\n", 0o444)
    made += _write(folder / "document_credentials", f"trialbridge\n{secrets.token_urlsafe(30)}\n", 0o444)
    # What the members of MongoDB's replica set know one another by; it has to be there, of however few members the set is.
    made += _write(folder / "document_server_key", f"{secrets.token_hex(300)}\n", 0o444)
    made += _write(folder / "api_keys", API_KEYS, 0o644)
    made += _write(folder / "clients.json", "[]\n", 0o644)
    return made


def _write(path: Path, text: str, mode: int) -> list[str]:
    """Write a new file; ``mode`` lets the containers' users read what the folder hides from everybody else on the host."""
    if path.exists():
        return []
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return [path.name]


def main() -> int:
    """Make the files; say which are new."""
    made = make(FOLDER, sys.argv[1:] or DEMO)
    sys.stdout.write(f"{FOLDER}: made {', '.join(made)}\n" if made else f"{FOLDER}: everything was there\n")
    if os.geteuid() not in (0, USER):
        sys.stdout.write(f"export TRIALBRIDGE_UID={os.geteuid()} TRIALBRIDGE_GID={os.getegid()}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
