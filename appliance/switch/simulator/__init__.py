"""An engine without a packet: scripted callers and phones, for demos, drills and flows on a simulated clock."""
