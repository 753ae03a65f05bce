"""Level s3: a bucket as the prefix, behind a proxy that records what a writer asks of it."""
