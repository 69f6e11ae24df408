"""Health: what is wrong with the office, in plain words, and what to do.

Owns: the checks of `frontdesk doctor` and the Health page. Leaves out: mending; it reads what the other slices have
written down, and changes nothing.
"""
