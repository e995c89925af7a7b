"""Debian's Prometheus, with a configuration of the test's, asked over its HTTP API."""

from pathlib import Path
from typing import Any

import httpx

from tests.servers.redis import installed
from worker.demo.run import Run
from worker.demo.server import Server


class Prometheus(Server):
    """A Prometheus that scrapes what its configuration names.

    Args:
        run: that it belongs to.
        config: text of its configuration. Rule files in it have absolute paths.
    """

    def __init__(self, run: Run, config: str, name: str = "prometheus") -> None:
        super().__init__(run, name)
        self._config = config

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def directory(self) -> Path:
        """Where its samples lie."""
        return self.run.directory / f"{self.name}.data"

    def prepare(self) -> list[str]:
        """Write the configuration."""
        config = self.run.directory / f"{self.name}.yml"
        config.write_text(self._config)
        return [
            installed("prometheus"),
            f"--config.file={config}",
            f"--storage.tsdb.path={self.directory}",
            f"--web.listen-address=127.0.0.1:{self.port}",
        ]

    def answers(self) -> bool:
        """Whether it is ready, and the one whose samples lie in `directory`."""
        try:
            httpx.get(f"{self.url}/-/ready").raise_for_status()
            return bool(self.get("status/flags")["storage.tsdb.path"] == str(self.directory))
        except httpx.HTTPError:
            return False

    def get(self, path: str, **parameters: str) -> Any:
        """The `data` of an answer of `/api/v1/<path>`.

        Raises:
            httpx.HTTPStatusError: the request was refused; the message has Prometheus's reason.
        """
        response = httpx.get(f"{self.url}/api/v1/{path}", params=parameters, timeout=30)
        if response.is_error:
            raise httpx.HTTPStatusError(response.text, request=response.request, response=response)
        return response.json()["data"]

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The samples that an expression gives now, each with `metric` (labels) and `value` (time, text)."""
        result: list[dict[str, Any]] = self.get("query", query=expression)["result"]
        return result


def promtool() -> str:
    """The path of Prometheus's checker of configurations, rules and metrics."""
    return installed("promtool")
