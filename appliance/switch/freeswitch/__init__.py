"""The FreeSWITCH engine: the Switch port over FreeSWITCH's Event Socket.

Owns: everything that knows FreeSWITCH. Leaves out: what happens to a call (flows), other engines.
"""
