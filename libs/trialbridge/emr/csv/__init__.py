"""Tables of comma-separated values: the mCODE extraction layouts, and a hospital's own columns by a mapping file, to FHIR R4."""
