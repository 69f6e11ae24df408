"""One thread that writes every recording, so that the loop never waits for a disk."""


class RecorderThread:
    """Writes all recordings. One an engine."""

    def start(self) -> None:
        """Begin. Safe to repeat."""

    def stop(self) -> None:
        """Finish every file and end the thread. Safe to repeat."""
