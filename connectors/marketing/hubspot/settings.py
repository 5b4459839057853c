"""Credentials: `token` of a private app. Options: those that every source over HTTP has."""

from connectors.options import HttpOptions as HubSpotOptions

__all__ = ["HubSpotOptions"]
