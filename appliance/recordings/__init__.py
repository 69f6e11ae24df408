"""Recordings: conversation and voicemail files, their rows, and how a broken file is made playable.

Owns: recordings and the recordings folder. Leaves out: writing sound (engines), who may listen (web).
"""
