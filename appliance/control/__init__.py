"""The local socket between web (or a command) and the core.

One JSON object a line. A request is ``{"do": name, "with": {…}}``; its answer ``{"ok": {…}}`` or
``{"refused": {code, kind, message, hint}}``. The request ``{"do": "events"}`` turns the connection into a stream of
events.
"""
