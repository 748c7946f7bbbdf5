"""A test bed of real servers from package registries: Apache Kafka, a genuine mongod, an S3 server. Loopback only."""
