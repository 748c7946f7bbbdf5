"""The emr room."""
