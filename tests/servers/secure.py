"""Servers that want certificates and logins, and the certificates, made on the spot."""

from __future__ import annotations

import subprocess
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.servers.kafka import RealKafka, java
from tests.servers.redis import RealRedis, installed
from worker.demo.embedded import EmbeddedStore
from worker.demo.run import Run


class Certificates:
    """An authority, and certificates of it for a server at 127.0.0.1 and for a client (PEM)."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(exist_ok=True)
        self.directory = directory
        self.authority = directory / "ca.pem"
        self.stranger = directory / "stranger.pem"
        for name in ("ca", "stranger"):
            self._openssl(
                *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}"),
                *("-keyout", f"{name}.key", "-out", f"{name}.pem"),
            )
        self.server = self._signed("server", "subjectAltName=IP:127.0.0.1")
        self.client = self._signed("client", "extendedKeyUsage=clientAuth")

    def _signed(self, name: str, extension: str) -> tuple[Path, Path]:
        self._openssl(
            *("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}"),
            *("-keyout", f"{name}.key", "-out", f"{name}.csr"),
        )
        (self.directory / "extensions").write_text(extension)
        self._openssl(
            *("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"),
            *("-days", "2", "-extfile", "extensions", "-out", f"{name}.pem"),
        )
        return self.directory / f"{name}.pem", self.directory / f"{name}.key"

    def _openssl(self, *arguments: str) -> None:
        argv = [installed("openssl"), *arguments]
        subprocess.run(argv, cwd=self.directory, check=True, capture_output=True, timeout=60)


class SecureStore(EmbeddedStore):
    """A store with users of an ACL file; with certificates, behind TLS that asks clients for theirs."""

    def __init__(
        self, run: Run, name: str, acl: str, password: str, *, certificates: Certificates | None, real: bool
    ) -> None:
        self._acl = acl
        self._password = password  # of the user admin
        self._certificates = certificates
        self._real = real
        if real:
            self.of_its_kind = RealRedis.of_its_kind
        super().__init__(run, name)

    @property
    def url(self) -> str:
        return f"redis{'s' if self._certificates else ''}://127.0.0.1:{self.port}/0"

    def program(self) -> str:
        return installed("redis-server") if self._real else super().program()

    def prepare(self) -> list[str]:
        argv = super().prepare()
        users = self.directory / "users.acl"
        users.write_text(f"{self._acl}user admin on >{self._password} ~* &* +@all\n")
        lines = f"aclfile {users}\n"
        if self._certificates:
            certificate, key = self._certificates.server
            lines += (
                f"port 0\ntls-port {self.port}\ntls-cert-file {certificate}\ntls-key-file {key}\n"
                f"tls-ca-cert-file {self._certificates.authority}\ntls-auth-clients yes\n"
            )
        with Path(argv[-1]).open("a") as config:
            config.write(lines)
        return argv

    def admin(self) -> redis.Redis:
        """A client that may do everything."""
        access = {"username": "admin", "password": self._password, "retry": Retry(NoBackoff(), 0)}
        if self._certificates:
            certificate, key = map(str, self._certificates.client)
            authority = str(self._certificates.authority)
            access |= {"ssl_ca_certs": authority, "ssl_certfile": certificate, "ssl_keyfile": key}
        return redis.Redis.from_url(self.url, **access)

    def answers(self) -> bool:
        client = self.admin()
        try:
            return bool(client.info("server")["process_id"] == self.process.pid)
        except redis.RedisError:
            return False
        finally:
            client.close()


class SecureKafka(RealKafka):
    """A Kafka whose clients come by SASL over TLS, or by TLS with a certificate, beside the plain port."""

    def __init__(self, run: Run, name: str, certificates: Certificates, users: dict[str, str]) -> None:
        super().__init__(run, name)
        self._certificates = certificates
        self._users = users
        self.sasl_port = self.port + 1000
        self.tls_port = self.port + 2000

    def _properties(self) -> dict[str, str]:
        plain = super()._properties()
        certificate, key = self._certificates.server
        chain = self._certificates.directory / "server-chain.pem"
        chain.write_text(key.read_text() + certificate.read_text())
        logins = " ".join(f'user_{user}="{password}"' for user, password in self._users.items())
        scram = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        sasl, tls = f"127.0.0.1:{self.sasl_port}", f"127.0.0.1:{self.tls_port}"
        return plain | {
            "listeners": f"{plain['listeners']},SASL://{sasl},TLS://{tls}",
            "advertised.listeners": f"{plain['advertised.listeners']},SASL://{sasl},TLS://{tls}",
            "listener.security.protocol.map": plain["listener.security.protocol.map"]
            + ",SASL:SASL_SSL,TLS:SSL",
            "inter.broker.listener.name": "PLAINTEXT",
            "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
            "listener.name.sasl.plain.sasl.jaas.config": (
                f"org.apache.kafka.common.security.plain.PlainLoginModule required {logins};"
            ),
            "listener.name.sasl.scram-sha-256.sasl.jaas.config": scram,
            "listener.name.sasl.scram-sha-512.sasl.jaas.config": scram,
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(chain),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(self._certificates.authority),
            "listener.name.tls.ssl.client.auth": "required",
        }

    def add_scram(self, user: str, password: str, mechanism: str) -> None:
        """Give a user a password for a SCRAM mechanism."""
        argv = java(
            "kafka.admin.ConfigCommand",
            *("--bootstrap-server", self.bootstrap, "--alter", "--entity-type", "users"),
            *("--entity-name", user, "--add-config", f"{mechanism}=[password={password}]"),
        )
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
