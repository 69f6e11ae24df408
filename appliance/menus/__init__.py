"""Menus: "press 1 for …", and what happens to a caller from the first hello to a person or a message.

Owns: ``menus``, and the plan of a call as pure rules, which the flow follows and the dry run tells.
Leaves out: carrying it out (flows), the sounds (prompts).
"""
