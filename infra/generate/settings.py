"""``docs/settings.md``: every setting of every service."""

from collections.abc import Iterable
from pathlib import Path

from pydantic.fields import FieldInfo

from infra.generate.faults import Fault
from infra.generate.markdown import code, notice, table
from infra.generate.services import services, settings_of
from infra.generate.wording import default_text, type_text
from trialbridge.runtime.settings import BaseServiceSettings

SECRETS = frozenset(
    {
        "keyring",
        "kafka_password_file",
        "documents_credentials_file",
        "object_credentials_file",
        "api_keys_file",
        "clients_file",
        "door_key_file",
        "users_file",
    }
)
"""Settings that name a file with a secret. In docker-compose.yml they may only name mounted secrets."""
PLAIN_FILES = frozenset(
    {
        "kafka_ca_file", "mappings", "terminology", "trial_folders", "regulatory_file", "webhooks_file", "door_certificate_file",
        "mllp_client_ca_file",
    }
)  # fmt: skip
"""Settings that name files without secrets in them (``webhooks_file`` names secret files by path)."""

TEXT = """\
# Settings

Each setting is an environment variable; an empty one counts as absent. A service that is set up wrongly says at its start which
setting is wrong, what is wrong with it and what it takes, and ends with code 78 before any data is touched; `trialbridge doctor`
says the same without starting anything. Lists and objects are written as JSON.

**Secrets** never stand in the environment: a setting marked *secret file* names a file that nobody but its owner may write (the key
ring: nor read, mode 0600).

"""
TESTS = """\
## Tests and test bed

These are read by `make test` and the test bed alone, never by a service.

"""
TEST_ROWS = (
    ("`TRIALBRIDGE_TESTBED_CACHE`", "`.cache/testbed`", "Folder of the downloaded servers; kept between runs."),
    ("`TRIALBRIDGE_TESTBED_RUN`", "`.testbed`", "Folder of the running servers' data, logs and process ids."),
    ("`TRIALBRIDGE_TEST_KAFKA`", "set by the test bed", "`HOST:PORT` of a Kafka that may be filled with test topics."),
    ("`TRIALBRIDGE_TEST_MONGO`", "set by the test bed", "URL of a MongoDB replica set that may be filled."),
    (
        "`TRIALBRIDGE_TEST_S3`",
        "set by the test bed",
        "URL of an S3 server; `_ACCESS` and `_SECRET` hold its test keys.",
    ),
    ("`CI`", "unset", "`true`: a suite that cannot run is a failure."),
)
HEADER = ("variable", "takes", "default", "meaning")


def env_name(field: str) -> str:
    """Return the environment variable of a field."""
    return f"{BaseServiceSettings.model_config.get('env_prefix', '')}{field}".upper()


def render(root: Path) -> str:
    """Return the page; raise `Fault` where a setting is not described."""
    shared = BaseServiceSettings.model_fields
    parts = [notice("the settings classes"), TEXT, "## Every service\n\n", _rows("every service", shared.items())]
    for service in services(root):
        kind = settings_of(service)
        own = [(name, field) for name, field in kind.model_fields.items() if name not in shared]
        about = f"\n## {service}\n\n"
        parts += [about, _rows(service, own) if own else "None beyond those of every service.\n"]
    parts += ["\n", TESTS, table(("variable", "default", "meaning"), TEST_ROWS)]
    return "".join(parts)


def _rows(owner: str, fields: Iterable[tuple[str, FieldInfo]]) -> str:
    return table(HEADER, [_row(owner, name, field) for name, field in fields])


def _row(owner: str, name: str, field: FieldInfo) -> tuple[str, ...]:
    if not field.description:
        raise Fault(f"the setting {name} of {owner} has no description; add one to its Field")
    meaning = f"*Secret file.* {field.description}" if name in SECRETS else field.description
    return code(env_name(name)), type_text(field), default_text(field), meaning
