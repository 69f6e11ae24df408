"""Opening hours: when a business is open.

Owns: the form in which hours are written, and the rules that follow from it. Leaves out: whose hours (businesses).
"""
