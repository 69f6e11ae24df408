"""Measurements of the whole: ratios within one run, never tests with a time limit.

``python -m bench`` runs all, ``python -m bench builtin`` the built-in engine's.
"""
