"""The agent's console: who calls, what to say, and the message while talking."""
