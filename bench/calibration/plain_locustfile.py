"""Stock Locust, as its documentation shows it: run by bench/calibration/plain.py, for comparison.

Ten of these users send 100 requests a second as long as every answer comes within 100 ms; then they wait for it.
"""

from locust import FastHttpUser, constant_throughput, task


class Visitor(FastHttpUser):
    """Asks for one photo, ten times a second."""

    wait_time = constant_throughput(10)

    @task
    def photo(self) -> None:
        """Ask once."""
        self.client.get("/api/photos/1")
