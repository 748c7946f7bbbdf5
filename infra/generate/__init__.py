"""Documents that are generated from the code: topics, AsyncAPI, settings, metrics, promises. ``python -m infra.generate``."""
