"""The built-in engine: SIP and RTP in this very process, for offices without FreeSWITCH.

Owns: transports, transactions, dialogs, the registrar, trunks, legs. aiosipua is used as a codec only.
Leaves out: audio (media/), what happens to a call (flows), what is configured (the store).
"""
