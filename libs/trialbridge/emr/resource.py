"""A FHIR resource as all rooms of the record pass it on."""

from typing import Any

Resource = dict[str, Any]
"""A FHIR R4 resource as plain values; decimals are `Decimal` and keep their digits."""
