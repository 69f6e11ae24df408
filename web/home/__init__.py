"""The owner's first page: can callers reach us, and what is to do."""
