"""The address book of each business: names of callers, notes, and who is blocked.

Owns: contacts. Leaves out: their calls and messages (calls, messages).
"""
