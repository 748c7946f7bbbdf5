"""The services: each a stage of the stream or a door to the stores. They never import one another."""
