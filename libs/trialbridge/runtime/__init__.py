"""The only room with plumbing: Faust and Kafka, MongoDB, S3, their embedded twins, telemetry and settings."""
