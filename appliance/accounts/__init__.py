"""Who signs in: people, passwords, sessions, one-time links, API tokens, the wall between businesses, the audit log.

Owns: users, user_businesses, sessions, login_failures, one_time_links, api_tokens, audit_log.
Leaves out: cookies and pages (web), and agents themselves (agents).
"""
