"""The address books of the businesses."""
