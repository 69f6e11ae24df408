"""Messages that agents took and callers left, and where their mails stand."""
