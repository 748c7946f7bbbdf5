"""The patientview service."""
