"""A strict stand-in for Microsoft Graph's mail, over real HTTPS."""

from servers.graph.server import GraphServer

__all__ = ["GraphServer"]
