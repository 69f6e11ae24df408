"""What callers hear: typed, uploaded, or spoken over the phone."""
