"""When a business is open: the month, days that differ, holidays, and the "closed now" switch."""
