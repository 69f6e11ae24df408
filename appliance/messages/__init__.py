"""Messages: what an agent noted for somebody, and voicemails.

Owns: messages, their drafts, done or open, and asking for their delivery (outbox rows, in the same transaction).
Leaves out: delivering (deliveries), recording (recordings).
"""
