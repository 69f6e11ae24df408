"""The pages: admin and agent console, served by Flask under gunicorn.

Owns: HTTP, cookies, templates, live streams. Leaves out: every rule (appliance), and the switch: web never talks to it.
"""
