"""Regulars: a self-hosted loyalty platform for online shops. ARCHITECTURE.md draws how the rooms fit together."""

__version__ = "0.1.0"
