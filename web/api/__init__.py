"""The API for machines: /healthz, /api/v1 with bearer tokens, /api/openapi.json.

One table of routes (routes.py) makes the addresses, the checks of what is asked and the OpenAPI document. Leaves out:
the live pages, which are for people.
"""
