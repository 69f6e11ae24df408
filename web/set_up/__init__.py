"""The set-up wizard: from the one-time link to a phone that rings."""
