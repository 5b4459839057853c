"""Simulated departments over one generated world of companies and people. Everything here is invented."""

from connectors.sandbox.process import running, sources
from connectors.sandbox.ticking import tick
from connectors.sandbox.world import clock_path, conduct_path, create, truth_path

__all__ = ["clock_path", "conduct_path", "create", "running", "sources", "tick", "truth_path"]
