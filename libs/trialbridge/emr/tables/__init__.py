"""Tables of the record room, for review by people: code systems, observations by meaning, the FHIR schema."""
