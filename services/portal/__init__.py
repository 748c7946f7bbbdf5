"""The portal: what practices, laboratories, auditors and operators see. It reads the document store and nothing else."""
