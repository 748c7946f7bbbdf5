"""C-CDA in: documents of HL7 CDA R2 to FHIR R4."""
