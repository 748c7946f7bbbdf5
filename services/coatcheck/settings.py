"""Settings of the coat check."""

from pathlib import Path

from pydantic import Field

from trialbridge.runtime.settings import BaseServiceSettings


class CoatcheckSettings(BaseServiceSettings):
    """What the coat check needs to know."""

    poll_interval: float = Field(
        default=1.0, gt=0, le=60, description="Seconds between two looks for what people have asked for."
    )
    max_object_mib: int = Field(default=512, ge=1, le=2048, description="Largest stored bundle, in MiB.")
    max_unpacked_mib: int = Field(default=1024, ge=1, le=8192, description="Most that a bundle may unfold to, in MiB.")
    max_entries: int = Field(default=50_000, ge=1, description="Most files in a bundle, over all its containers.")
    max_nesting: int = Field(default=4, ge=1, le=16, description="Most containers inside one another.")
    max_ratio: int = Field(default=100, ge=50, description="Most bytes out for each byte of a bundle (past 16 MiB).")
    max_faults: int = Field(
        default=1000, ge=1, description="Most single records set aside from one bundle; with more it is refused whole."
    )
    mappings: Path | None = Field(
        default=None,
        description="Folder of mapping files (YAML, JSON): columns, words, samples and panels of feeds that send tables or variant files.",
    )
    retry_first: float = Field(
        default=1.0,
        gt=0,
        le=3600,
        description="Seconds until the first second look for an object that is not there yet.",
    )
    retry_longest: float = Field(default=900.0, gt=0, le=86_400, description="Longest wait between two such looks.")
    sweep_interval: float = Field(
        default=900.0,
        ge=0,
        description="Seconds between two sweeps for objects that nobody ticketed; 0 switches it off.",
    )
    sweep_prefix: str = Field(default="", description="Sweep only objects whose key begins so.")
    sweep_grace: float = Field(
        default=600.0, ge=0, description="Seconds that an object may lie there before its ticket is missed."
    )
    ticket_days: float = Field(
        default=7.0, gt=0, le=365, description="Days that a ticket is good for, where its sender names no end."
    )
    tickets_port: int = Field(
        default=0, ge=0, le=65535, description="Port on which tickets are taken over HTTP; 0 switches it off."
    )
    tickets_host: str = Field(default="127.0.0.1", description="Address that the ticket port listens on.")
    api_keys_file: Path | None = Field(
        default=None,
        description="File with a line 'TENANT NETWORK KEY' for each sender that may hand in tickets over HTTP.",
    )
