"""Who takes part in the synthetic world: one network, its practices, a hospital, a genomics laboratory and trial sponsors."""

from dataclasses import dataclass
from typing import Literal

from trialbridge.contracts.ids import NetworkId, SourceId, TenantId

NETWORK = NetworkId("lakeland")
MEMBER_SYSTEM = "urn:oid:2.16.840.1.113883.19.5.99.1"
"""Assigner of the network's member numbers, shared by all sources (the example arc of the HL7 OID tree)."""
MEMBER_AUTHORITY = "LAKELAND&2.16.840.1.113883.19.5.99.1&ISO"
"""The same assigner as HL7 v2 writes it in CX.4."""

Format = Literal["fhir", "hl7v2"]
Packing = Literal["ndjson.gz", "ndjson.zst", "tar.zst", "tar.gz", "zip", "plain", "hl7.gz"]


@dataclass(frozen=True, slots=True)
class Tenant:
    """An organisation of the demo and what it does."""

    id: TenantId
    name: str
    role: Literal["practice", "hospital", "genomics", "lab"]


@dataclass(frozen=True, slots=True)
class Source:
    """One feed of records."""

    id: SourceId
    tenant: TenantId
    format: Format
    packing: Packing
    mrn_oid: str
    """Assigner of this source's medical record numbers, dotted."""
    prefix: str
    """First letters of its record numbers."""

    @property
    def mrn_system(self) -> str:
        """Return the assigner as FHIR writes it."""
        return f"urn:oid:{self.mrn_oid}"

    @property
    def mrn_authority(self) -> str:
        """Return the assigner as HL7 v2 writes it in CX.4."""
        return f"{self.prefix}&{self.mrn_oid}&ISO"


def _source(tenant: str, feed: str, form: Format, packing: Packing, number: int, prefix: str) -> Source:
    oid = f"2.16.840.1.113883.19.5.{number}"
    return Source(SourceId(f"{tenant}/{feed}"), TenantId(tenant), form, packing, oid, prefix)


TENANTS = (
    Tenant(TenantId("north-clinic"), "North Clinic Oncology", "practice"),
    Tenant(TenantId("river-oncology"), "River Oncology Group", "practice"),
    Tenant(TenantId("harbor-cancer"), "Harbor Cancer Centre", "practice"),
    Tenant(TenantId("hill-practice"), "Hill Street Practice", "practice"),
    Tenant(TenantId("county-hospital"), "County Hospital", "hospital"),
    Tenant(TenantId("genome-lab"), "Regional Genomics Laboratory", "genomics"),
    Tenant(TenantId("aurora-lab"), "Aurora Trials Laboratory", "lab"),
    Tenant(TenantId("meridian-lab"), "Meridian Trials Laboratory", "lab"),
)
NORTH = _source("north-clinic", "ehr", "fhir", "ndjson.gz", 1, "NC")
RIVER = _source("river-oncology", "ehr", "fhir", "tar.zst", 2, "RO")
HARBOR = _source("harbor-cancer", "ehr", "fhir", "zip", 3, "HC")
HILL = _source("hill-practice", "adt-oru", "hl7v2", "hl7.gz", 4, "HS")
COUNTY = _source("county-hospital", "adt-oru", "hl7v2", "plain", 5, "CH")
GENOME = _source("genome-lab", "reports", "fhir", "ndjson.zst", 6, "GL")
SOURCES = (NORTH, RIVER, HARBOR, HILL, COUNTY, GENOME)
FHIR_PRACTICES = (NORTH, RIVER, HARBOR)
BY_ID = {source.id: source for source in SOURCES}
