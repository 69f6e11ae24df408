"""The lines to the outside: carriers and gateways."""
