"""The pages: admin and agent console, served by Flask under gunicorn.

Owns: HTTP, cookies, templates, live streams. Leaves out: every rule (appliance) and the switch, which web never talks to.
"""
