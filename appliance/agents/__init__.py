"""Agents: the people who take calls; what they chose (status) and what happens to them (state).

Owns: agents, whom they serve, their states, and the rule who is offered a caller. Leaves out: phones (extensions, the
switch) and the waiting itself (flows).
"""
