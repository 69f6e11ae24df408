"""Options every test run knows, wherever it is started from."""

pytest_plugins = ["tests.peers.options"]
