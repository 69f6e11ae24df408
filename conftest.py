"""Options every test run knows, wherever it is started from."""

import os

# What a test does not choose is the engine that every machine has, and the one that starts in no time
os.environ.setdefault("FRONTDESK_ENGINE", "builtin")

pytest_plugins = ["tests.peers.options"]
