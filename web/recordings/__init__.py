"""Recordings over HTTP: in parts, so that players can seek, and every playing written down."""
