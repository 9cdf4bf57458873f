"""Runs a shop of provisionable products."""

__version__ = "0.1.0"
