"""Settings of the real-time door."""

from pathlib import Path

from pydantic import Field

from trialbridge.runtime.settings import BaseServiceSettings


class GatewaySettings(BaseServiceSettings):
    """What the real-time door needs to know."""

    gateway_port: int = Field(
        default=0, ge=0, le=65535, description="Port on which HL7 v2 messages are taken over HTTP; 0 switches it off."
    )
    gateway_host: str = Field(default="127.0.0.1", description="Address that the HTTP door of HL7 v2 listens on.")
    mllp_port: int = Field(
        default=0, ge=0, le=65535, description="Port on which HL7 v2 messages are taken over MLLP; 0 switches it off."
    )
    mllp_host: str = Field(
        default="127.0.0.1",
        description="Address that the MLLP door listens on; beyond loopback it needs a certificate.",
    )
    mllp_client: str = Field(
        default="", description="Client whose messages come over MLLP, where client certificates do not say who sends."
    )
    clients_file: Path | None = Field(
        default=None,
        description="JSON file of the clients that may send HL7 v2 (trialbridge gateway add-client writes it).",
    )
    door_certificate_file: Path | None = Field(
        default=None, description="PEM file with the certificate that both doors of HL7 v2 show: TLS 1.2 and above."
    )
    door_key_file: Path | None = Field(default=None, description="PEM file with the certificate's private key.")
    mllp_client_ca_file: Path | None = Field(
        default=None, description="PEM file with the authorities of client certificates, which MLLP then asks for."
    )
    message_kib: int = Field(default=2048, ge=1, le=65_536, description="Largest HL7 v2 message or batch, in KiB.")
    client_rate: float = Field(
        default=500.0, gt=0, description="Messages a second that one client may send on average; bursts of two seconds."
    )
    door_connections: int = Field(
        default=256, ge=1, le=65_535, description="Most connections to each door of HL7 v2 at the same time."
    )
    waiting_kib: int = Field(
        default=32_768,
        ge=64,
        description="Most KiB of messages that wait to become durable; past it, senders must wait.",
    )
    receive_seconds: float = Field(
        default=10.0, gt=0, le=600, description="Seconds within which a message that began must have come in whole."
    )
    idle_seconds: float = Field(
        default=300.0,
        gt=0,
        le=86_400,
        description="Seconds after which an MLLP connection without a message is closed.",
    )
    commit_messages: int = Field(
        default=200, ge=1, le=5000, description="Most messages of one client that become durable together."
    )
    commit_wait: float = Field(
        default=0.004, ge=0, le=1, description="Seconds that a message waits for others to become durable with."
    )
    commits_at_once: int = Field(default=3, ge=1, le=64, description="How many such groups are on their way at once.")
    converters: int = Field(
        default=0,
        ge=0,
        le=64,
        description="Processes that convert HL7 v2 for the door; 0: a thread of its own process.",
    )
