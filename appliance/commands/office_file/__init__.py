"""The office file: a whole office as one TOML text.

Owns: reading it with every mistake named, the plan of changes, applying it, writing it back, its JSON schema.
Leaves out: the rules for single values, which are the slices' (CHECKS) and appliance/fields.py.
"""
