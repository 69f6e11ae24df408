"""What happens to a call: async Python that reads like its story, on the Switch port and the slices alone.

Owns: reception, calls placed by agents, voicemail, transfers, and the desk that brings callers and agents together.
Leaves out: packets (engines), pages (web).
"""
