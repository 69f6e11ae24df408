"""The calls: live and past, and the story of each."""
