"""Packages that only comparisons need (extra ``compare``), imported when one runs."""

from __future__ import annotations

import importlib
from typing import Any


class PeerMissingError(RuntimeError):
    """A peer that is asked for is not installed; the message says how to install it."""


def imported(module: str, peer: str) -> Any:
    """The module of a peer.

    Args:
        module: Its full name, as ``river.reco``.
        peer: The peer that needs it, as ``--compare`` names it.

    Raises:
        PeerMissingError: it, or what it needs, is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise PeerMissingError(
            f"the peer {peer} (--compare) cannot be imported: {error}. "
            "Install it by pip install 'lfm-online[compare]', or in a checkout by make setup-compare"
        ) from error
