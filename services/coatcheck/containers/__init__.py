"""Opens what bundles are packed in (gzip, zstd, tar, zip, nested) in memory, under caps that a bomb cannot pass."""
