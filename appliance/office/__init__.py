"""The office itself: its name, time zone, language, owner's address and mail server.

Owns: the one row of ``office``. Leaves out: the office file (commands/office_file), businesses, lines, people.
"""
