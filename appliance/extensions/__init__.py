"""Extensions: internal numbers and the password a phone signs in with.

Owns: ``extensions``, reading ``registrations``. Leaves out: whose extension it is (agents), registering (switch).
"""
