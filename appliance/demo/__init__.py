"""The demo: an office with a believable month behind it, made by driving the product on simulated time.

Owns: the cast, what they say, when they call. Leaves out: how calls are carried (flows) and kept (the slices); nothing
is written into the store but through them.
"""
