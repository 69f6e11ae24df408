"""The Switch port: what a call flow may ask of a telephone switch, and the engines below it.

Owns: the port's verbs, events, causes and errors. Leaves out: who should be rung and why (flows and slices).
"""
