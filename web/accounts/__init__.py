"""Signing in and out, passwords, people, API tokens, the audit log."""
