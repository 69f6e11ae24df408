"""Prompts: what the box says to callers and agents, the music they wait to, the tone.

Owns: the standard texts, speaking them, sounds that people upload or record in their place and the cache of
finished sounds.
Leaves out: when a prompt is played (flows) and how (the switch).
"""
