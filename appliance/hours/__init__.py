"""Opening hours: when a business is open.

Owns: the form in which hours and exceptions are written, public holidays, and the rules that follow from
them. Leaves out: whose hours (businesses).
"""
