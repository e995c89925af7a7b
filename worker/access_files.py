"""Whether the files that a connection needs hold what they should, before anything connects with them.

A client would only find out as it connects, and take it for a broker or a store that is away.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Final

PARTS: Final = {
    "password": "the password",
    "ca": "certificates (PEM)",
    "certificate": "a certificate (PEM)",
    "key": "the certificate's key (PEM), without a password",
}
"""What the files hold that ``kafka_…_file`` and ``store_…_file`` name."""


def check_access_files(whose: str, files: Mapping[str, str], prefix: str) -> None:
    """See that all files of one side can be read, and hold what TLS takes from them.

    Args:
        whose: ``kafka`` or ``store``.
        files: By a name of :data:`PARTS` the path; empty where there is none.
        prefix: Of the environment's variables.

    Raises:
        ValueError: one doesn't; the message names it, its variable, and what is allowed.
    """
    for part, path in files.items():
        if path and (fault := _fault(part, path, files)):
            name = f"{whose}_{part}_file"
            raise ValueError(
                f"{name} is {path!r} ({prefix}{name.upper()}), {fault}; "
                f"allowed: a file that holds {PARTS[part]}"
            )
    certificate, key = files["certificate"], files["key"]
    if bool(certificate) != bool(key):
        raise ValueError(
            f"{whose}_certificate_file is {certificate!r} and {whose}_key_file {key!r}; "
            "allowed: both or neither"
        )


def _fault(part: str, path: str, files: Mapping[str, str]) -> str:
    """What is wrong with one of them; empty: nothing."""
    if Path(path).is_dir() or not os.access(path, os.R_OK):
        return "which can't be read"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        if part in {"ca", "certificate"}:
            context.load_verify_locations(path)
        elif part == "key" and files["certificate"]:
            # Without an answer to the question for a password it would be asked on the terminal.
            context.load_cert_chain(files["certificate"], path, password="")
    except ssl.SSLError as error:
        if part != "key":
            return "which holds no certificate"
        if error.reason == "KEY_VALUES_MISMATCH":
            return f"which is not the key of {files['certificate']!r}"
        return "which holds no key that can be used"
    return ""
