"""How our own Kafka clients connect: the brokers' addresses and, where asked, TLS and SCRAM."""

import ssl
from typing import Any

from trialbridge.runtime.settings import BaseServiceSettings, read_secret


def servers(broker: str) -> list[str]:
    """Return ``HOST:PORT`` of each broker in ``trialbridge-kafka://HOST:PORT;HOST:PORT``."""
    return [part.removeprefix("trialbridge-kafka://") for part in broker.split(";") if part]


def client_options(broker: str, settings: BaseServiceSettings) -> dict[str, Any]:
    """Return the options of an aiokafka client."""
    options: dict[str, Any] = {"bootstrap_servers": servers(broker)}
    if settings.kafka_username and settings.kafka_password_file is not None:
        options |= {
            "security_protocol": "SASL_SSL",
            "sasl_mechanism": "SCRAM-SHA-512",
            "sasl_plain_username": settings.kafka_username,
            "sasl_plain_password": read_secret(settings.kafka_password_file, "kafka_password_file"),
            "ssl_context": ssl.create_default_context(cafile=settings.kafka_ca_file),
        }
    return options
