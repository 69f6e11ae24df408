"""The live stream of every page: what changed, filtered by the wall, and whether the core is there at all."""
