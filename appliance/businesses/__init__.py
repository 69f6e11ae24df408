"""Businesses: the clients whose calls are answered.

Owns: ``businesses`` and their ``numbers``. Leaves out: who answers for them (agents), what hours mean (hours).
"""
