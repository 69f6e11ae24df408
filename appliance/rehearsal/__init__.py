"""The dry run: what happens to a call at a moment, from a number, in words.

Owns: gathering what the plan of a call needs, and telling it.
Leaves out: the plan itself (menus/rules.py), which calls follow.
"""
