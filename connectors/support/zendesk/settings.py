"""Credentials: `email` (of an admin) and `api_token`. Options: those that every source over HTTP has."""

from connectors.options import HttpOptions as ZendeskOptions

__all__ = ["ZendeskOptions"]
