"""AWS's signature of a request, version 4, as AWS documents it ("Signing AWS API requests").

Pure: the time is an argument. Only what the two services that the agent asks (ECR and STS) need: headers carry the
signature, the body is hashed whole, and the path is signed as it is sent, encoded once more.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, urlsplit

ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsKeys:
    """What AWS knows a caller by."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)


def signed_headers(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    keys: AwsKeys,
    region: str,
    service: str,
    now: float,
) -> dict[str, str]:
    """Return the headers to send: those given, and date, host, token and signature. `now` in seconds since 1970."""
    parts = urlsplit(url)
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    sent = {**headers, "Host": parts.netloc, "X-Amz-Date": stamp}
    if keys.session_token:
        sent["X-Amz-Security-Token"] = keys.session_token
    names = ";".join(sorted(name.lower() for name in sent))
    scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
    canonical = canonical_request(method, url, sent, hashlib.sha256(body).hexdigest())
    to_sign = f"{ALGORITHM}\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = signing_key(keys.secret_access_key, stamp[:8], region, service)
    signature = hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()
    sent["Authorization"] = (
        f"{ALGORITHM} Credential={keys.access_key_id}/{scope}, SignedHeaders={names}, Signature={signature}"
    )
    return sent


def canonical_request(method: str, url: str, headers: Mapping[str, str], body_hash: str) -> str:
    """Return the request in the one form that both sides hash."""
    parts = urlsplit(url)
    query = sorted(
        (quote(name, safe="-_.~"), quote(value, safe="-_.~"))
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
    )
    values = sorted((name.lower(), " ".join(value.split())) for name, value in headers.items())
    return "\n".join(
        (
            method,
            quote(parts.path or "/", safe="/-_.~"),
            "&".join(f"{name}={value}" for name, value in query),
            *(f"{name}:{value}" for name, value in values),
            "",
            ";".join(name for name, _ in values),
            body_hash,
        )
    )


def signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    """Return the key of one day, region and service."""
    key = f"AWS4{secret}".encode()
    for word in (date, region, service, "aws4_request"):
        key = hmac.new(key, word.encode(), hashlib.sha256).digest()
    return key
