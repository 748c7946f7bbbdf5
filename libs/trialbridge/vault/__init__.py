"""The vault: what touches a key or a secret. Envelopes of bundles, seals of values, signatures of webhooks."""
