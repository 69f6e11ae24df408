"""Calls: the books. Live and past calls, each with its append-only events.

Owns: calls and call_events, and the rule by which a call follows from its events. Leaves out: sounds (recordings),
what was written down (messages), and what to do with a call (flows).
"""
