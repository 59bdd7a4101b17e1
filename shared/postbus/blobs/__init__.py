"""Raw mail, attachments and long texts, kept by their content (`architecture.md`, decisions)."""

from postbus.blobs.store import BlobStore, open_store

__all__ = ["BlobStore", "open_store"]
