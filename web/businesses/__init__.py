"""The businesses whose calls are answered: their settings."""
