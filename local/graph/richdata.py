"""Notifications with resource data: the event itself, encrypted for the certificate of the subscription.

The key is wrapped with RSA-OAEP (SHA-1), the data is AES-CBC with PKCS7 padding, its first 16 key bytes being the IV,
and signed with HMAC-SHA256 by the same key: contrib, concepts/change-notifications-with-resource-data.md. The
``validationTokens`` beside ``value`` are Entra's to sign and are left out.
"""

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

from local.graph.errors import GraphError


def certificate(written: Any, certificate_id: Any) -> x509.Certificate:
    """Read the base64 certificate of a subscription; without one, or without its id, there is no resource data."""
    if not isinstance(written, str) or not written or not isinstance(certificate_id, str) or not certificate_id:
        raise GraphError(
            400,
            "InvalidRequest",
            "encryptionCertificate and encryptionCertificateId are required when includeResourceData is true.",
        )
    try:
        raw = base64.b64decode(written, validate=True)
        found = x509.load_pem_x509_certificate(raw) if b"-----BEGIN" in raw else x509.load_der_x509_certificate(raw)
    except (binascii.Error, ValueError):
        raise GraphError(
            400, "InvalidRequest", "Certificate validation error: Cannot find the requested object."
        ) from None
    if not isinstance(found.public_key(), rsa.RSAPublicKey):
        raise GraphError(400, "InvalidRequest", "Certificate validation error: The key must be an RSA key.")
    return found


def encrypted(resource: dict[str, Any], to: x509.Certificate, certificate_id: str) -> dict[str, str]:
    """Return the ``encryptedContent`` member of a notification."""
    key = secrets.token_bytes(32)
    padder = PKCS7(128).padder()
    plain = padder.update(json.dumps(resource).encode()) + padder.finalize()
    cipher = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    sealed = cipher.update(plain) + cipher.finalize()
    public = to.public_key()
    if not isinstance(public, rsa.RSAPublicKey):
        raise TypeError("an RSA certificate is needed")
    oaep = padding.OAEP(mgf=padding.MGF1(hashes.SHA1()), algorithm=hashes.SHA1(), label=None)
    return {
        "data": base64.b64encode(sealed).decode(),
        "dataSignature": base64.b64encode(hmac.digest(key, sealed, hashlib.sha256)).decode(),
        "dataKey": base64.b64encode(public.encrypt(key, oaep)).decode(),
        "encryptionCertificateId": certificate_id,
        "encryptionCertificateThumbprint": to.fingerprint(hashes.SHA1()).hex().upper(),
    }
