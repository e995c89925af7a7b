"""A certificate, its key, and another key, made for the tests: nothing is opened by them."""

from __future__ import annotations

from typing import Final

CERTIFICATE: Final = """\
-----BEGIN CERTIFICATE-----
MIIBiTCCAS+gAwIBAgIUXauyzYRWoXZWO9bZmnAAJqizBpcwCgYIKoZIzj0EAwIw
GTEXMBUGA1UEAwwObWFkZSBmb3IgdGVzdHMwIBcNMjYxMTI3MDkzNDA4WhgPMjEy
NjExMDMwOTM0MDhaMBkxFzAVBgNVBAMMDm1hZGUgZm9yIHRlc3RzMFkwEwYHKoZI
zj0CAQYIKoZIzj0DAQcDQgAExuRv/lIW+T3viFW/PGpODa3Ucb1udDktpJ1s2+2w
BQTmqfgmoU4cWkhVJJTWAZz6MxLON0B1KouR96G/oKCS8KNTMFEwHQYDVR0OBBYE
FFuBzIlwA/26lGrzel4f5zno4N3wMB8GA1UdIwQYMBaAFFuBzIlwA/26lGrzel4f
5zno4N3wMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIgH+6dD7cW
pqezP//jm2OrUKLraaxVJhfI81t3hkSqZs4CIQCAnW1vrFxwR2/sgmbbjeOfTUA0
YxzY0eGijNvobAsuAw==
-----END CERTIFICATE-----
"""
KEY: Final = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgr7/ckRlIkkzONjEi
lkCcW9aDMrJ8OhPmv+f0MoigOfahRANCAATG5G/+Uhb5Pe+IVb88ak4NrdRxvW50
OS2knWzb7bAFBOap+CahThxaSFUklNYBnPozEs43QHUqi5H3ob+goJLw
-----END PRIVATE KEY-----
"""
OTHER_KEY: Final = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgOQjFoeIJSeLr1LXq
dWzVDvmQZMvXaqssvPmdZinynq2hRANCAAQhmRfmnP/RTyagruIw0AzEnDb/crSu
SmFVhoLKV5i6JNHXwBI8Pa7wRkdUOcYyTujVpWC9J6qG8C1ZLSPaH3F9
-----END PRIVATE KEY-----
"""
"""Of no certificate."""
