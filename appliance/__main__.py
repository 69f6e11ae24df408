"""The door of the `frontdesk` command."""

import sys

from appliance.commands.line import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
