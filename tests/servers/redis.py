"""Debian's redis-server."""

import shutil

from worker.demo.embedded import EmbeddedStore


class RealRedis(EmbeddedStore):
    """redis-server with the configuration that the embedded store has, but for what Redis does not know."""

    of_its_kind = ""

    def program(self) -> str:
        """The path of the binary that `make setup-real` installs."""
        return installed("redis-server")


def installed(program: str) -> str:
    """The path of a program that `make setup-real` installs; an error if it is not there."""
    path = shutil.which(program)
    if path is None:
        raise FileNotFoundError(f"{program} is not installed: make setup-real")
    return path
