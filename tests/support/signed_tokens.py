"""Identity tokens and IAP assertions signed with keys of the test's own, and the server that
publishes the public ones.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, field
from typing import Any

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from google.auth import jwt
from google.auth.crypt import es256
from google.auth.crypt import rsa as rsa_signer

from functions.dashboard.tokens import IAP_CERTS, IDENTITY_CERTS

AUDIENCE = "https://dashboard.example.run.app"
IAP_AUDIENCE = "/projects/1/locations/us-central1/services/dashboard"


def _pem(key: Any) -> bytes:
    return bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


def _certificate(key: rsa.RSAPrivateKey, now: dt.datetime) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tests")])
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    return built.public_bytes(serialization.Encoding.PEM).decode()


@dataclass
class Issuer:
    """Google, as far as tokens go."""

    now: dt.datetime = field(default_factory=lambda: dt.datetime.now(dt.UTC))
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.iap_key = ec.generate_private_key(ec.SECP256R1())
        public = self.iap_key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self._published = {
            IDENTITY_CERTS: {"k1": _certificate(self.key, self.now)},
            IAP_CERTS: {"i1": public.decode()},
        }

    @property
    def certificates(self) -> dict[str, str]:
        """What identity tokens are verified with, by key id."""
        return self._published[IDENTITY_CERTS]

    @property
    def transport(self) -> httpx.MockTransport:
        """Serves the public keys."""

        def serve(request: httpx.Request) -> httpx.Response:
            self.asked.append(str(request.url))
            return httpx.Response(200, text=json.dumps(self._published[str(request.url)]))

        return httpx.MockTransport(serve)

    def claims(self, email: str, /, **other: Any) -> dict[str, Any]:
        at = int(self.now.timestamp())
        return {
            "iss": "https://accounts.google.com",
            "aud": AUDIENCE,
            "email": email,
            "email_verified": True,
            "iat": at - 10,
            "exp": at + 600,
            **other,
        }

    def token(self, email: str, /, *, key: Any = None, **other: Any) -> str:
        """An identity token; `key`: signed by another than Google's."""
        signer = rsa_signer.RSASigner.from_string(_pem(key or self.key), key_id="k1")
        return str(jwt.encode(signer, self.claims(email, **other)).decode())

    def assertion(self, email: str, /, **other: Any) -> str:
        """What IAP puts into its header."""
        signer = es256.ES256Signer.from_string(_pem(self.iap_key), key_id="i1")
        claims = self.claims(email, **{"iss": "https://cloud.google.com/iap", "aud": IAP_AUDIENCE, **other})
        return str(jwt.encode(signer, claims).decode())
