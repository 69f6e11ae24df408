"""Deliveries: the outbox and its one channel so far, mail.

Owns: sending what waits in the outbox, with retries, and saying where each delivery stands.
Leaves out: what is to be delivered (messages writes the rows), the mail server's settings (office).
"""
