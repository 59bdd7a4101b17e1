"""Files, and the archive on NATS and in the blob store."""
