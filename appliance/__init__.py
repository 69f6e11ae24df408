"""Frontdesk: a small-business virtual office in one self-hosted box."""

from importlib.metadata import version

__version__ = version("frontdesk-appliance")
