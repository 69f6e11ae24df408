"""The settings' front page, the office itself and its mail server."""
