"""What `frontdesk` can be told, one module a command, each imported only when it is called.

A command module has ``arguments(parser)`` and ``run(args, settings) -> int`` (the exit status). Commands may import
every slice: they are where slices are put together, beside core and web. The door is appliance/__main__.py.
"""
