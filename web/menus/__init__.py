"""Menus of a business, and the dry run of a call."""
