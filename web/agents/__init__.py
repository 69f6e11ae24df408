"""Agents and their phones."""
