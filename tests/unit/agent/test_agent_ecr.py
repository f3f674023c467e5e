"""AWS's signature by AWS's own examples; where keys come from; tokens of ECR that end and are renewed."""

from __future__ import annotations

import asyncio
import calendar
import itertools
import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from lilac.agent.registries.aws import AwsCredentials
from lilac.agent.registries.ecr import EcrTokens
from lilac.agent.registries.settings import Registry
from lilac.agent.registries.sigv4 import AwsKeys, signed_headers, signing_key
from lilac.model.errors import Unavailable
from tests.fixtures.aws import FakeAws

EXAMPLE = AwsKeys(access_key_id="AKIDEXAMPLE", secret_access_key="wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
SUITE_TIME = calendar.timegm((2015, 8, 30, 12, 36, 0))


@pytest.mark.parametrize(
    ("method", "url", "headers", "signature"),
    [
        ("GET", "/", {}, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("POST", "/", {}, "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        (
            "GET",
            "/?Param2=value2&Param1=value1",
            {},
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
        ("GET", "/\u1234", {}, "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"),
        (
            "GET",
            "/",
            {"My-Header1": "value2,value2,value1"},
            "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea",
        ),
    ],
    ids=["get-vanilla", "post-vanilla", "get-vanilla-query-order-key-case", "get-utf8", "get-header-key-duplicate"],
)
def test_the_signature_is_that_of_awss_test_suite(
    method: str, url: str, headers: dict[str, str], signature: str
) -> None:
    signed = signed_headers(
        method,
        f"https://example.amazonaws.com{url}",
        headers,
        b"",
        keys=EXAMPLE,
        region="us-east-1",
        service="service",
        now=SUITE_TIME,
    )
    assert signed["Authorization"].endswith(f"Signature={signature}")
    assert signed["Authorization"].startswith(
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;"
    )


def test_the_signing_key_is_that_of_awss_documentation() -> None:
    key = signing_key("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "20150830", "us-east-1", "iam")
    assert key.hex() == "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9"


@pytest.fixture
async def aws() -> AsyncIterator[FakeAws]:
    fake = FakeAws()
    await fake.up()
    yield fake
    await fake.down()


def environment(aws: FakeAws, home: Path, **more: str) -> dict[str, str]:
    return {
        "HOME": str(home),
        "AWS_ENDPOINT_URL": aws.url,
        "AWS_EC2_METADATA_SERVICE_ENDPOINT": aws.url,
        "AWS_EC2_METADATA_DISABLED": "true",
        **more,
    }


KEYS = {"AWS_ACCESS_KEY_ID": "AKIDTEST", "AWS_SECRET_ACCESS_KEY": "s3cr3t/key"}
REGISTRY = Registry(registry_url="127.0.0.1:1", region="eu-west-1")


async def found(environ: dict[str, str], *, profile: str | None = None, role_arn: str | None = None) -> AwsKeys:
    async with aiohttp.ClientSession() as session:
        return await AwsCredentials(environ, region="eu-west-1", profile=profile, role_arn=role_arn).keys(session)


async def test_keys_come_from_the_first_source_that_has_them(aws: FakeAws, tmp_path: Path) -> None:
    (tmp_path / ".aws").mkdir()
    machine = environment(aws, tmp_path, AWS_EC2_METADATA_DISABLED="false")
    assert (await found(machine)).access_key_id == "ASIALENT"
    assert aws.asked[-1] == "metadata"
    container = machine | {
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{aws.url}/container",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN": "container-token",
    }
    assert (await found(container)).session_token == "lent-token"
    assert aws.asked[-1] == "container"
    (tmp_path / ".aws/config").write_text(
        "[profile lab]\naws_access_key_id = C\naws_secret_access_key = c\nregion = x\n"
    )
    (tmp_path / ".aws/credentials").write_text("[default]\naws_access_key_id = D\naws_secret_access_key = d\n")
    assert (await found(container)).access_key_id == "D"
    assert (await found(container | {"AWS_PROFILE": "lab"})).access_key_id == "C"
    (tmp_path / "web").write_text("web-identity\n")
    web = container | {"AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path / "web"), "AWS_ROLE_ARN": "arn:r"}
    assert (await found(web)).access_key_id == "ASIAROLE"
    assert (await found(web | KEYS)).access_key_id == "AKIDTEST"
    assert (await found(web | KEYS, profile="lab")).access_key_id == "C"
    with pytest.raises(Unavailable, match="no AWS keys in profile other"):
        await found(web | KEYS, profile="other")


async def test_a_role_is_taken_with_the_keys(aws: FakeAws, tmp_path: Path) -> None:
    environ = environment(aws, tmp_path, **KEYS)
    assert await found(environ, role_arn="arn:aws:iam::1:role/r") == AwsKeys(
        access_key_id="ASIAROLE", secret_access_key="role-secret", session_token="role-token"
    )
    aws.refuse = True
    with pytest.raises(Unavailable, match=r"does not give the role arn:r: STS answered 403.*AccessDenied"):
        await found(environ, role_arn="arn:r")


async def test_without_keys_it_says_what_to_do_and_no_secret_is_ever_repeated(aws: FakeAws, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="no AWS credentials on this node: set AWS_ACCESS_KEY_ID"):
        await found(environment(aws, tmp_path))
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws/credentials").write_text("aws_secret_access_key hush-hush\n")
    with pytest.raises(Unavailable, match="cannot be read as a file of AWS profiles") as raised:
        await found(environment(aws, tmp_path))
    assert "hush" not in str(raised.value)
    with pytest.raises(Unavailable, match="must be local or https"):
        await found(environment(aws, tmp_path / "no", AWS_CONTAINER_CREDENTIALS_FULL_URI="http://evil.example/"))
    assert "s3cr3t" not in repr(AwsKeys(access_key_id="a", secret_access_key="s3cr3t", session_token="s3cr3t"))


class Clock:
    def __init__(self) -> None:
        self.ahead_s = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead_s


async def test_a_token_is_renewed_when_four_fifths_of_its_life_are_over(aws: FakeAws, tmp_path: Path) -> None:
    aws.token_life_s = 1000
    clock = Clock()
    tokens = EcrTokens(REGISTRY, environment(aws, tmp_path, **KEYS), clock=clock)
    assert await tokens.password() == "token-0"
    aws.skew_s = clock.ahead_s = 790.0
    assert await tokens.password() == "token-0"
    aws.skew_s = clock.ahead_s = 801.0
    assert await tokens.password() == "token-1"
    assert await tokens.password(anew=True) == "token-2"


async def test_a_token_is_renewed_in_the_background_without_a_pull(aws: FakeAws, tmp_path: Path) -> None:
    aws.token_life_s = 0.5
    renewed = asyncio.Event()
    aws.on_token = lambda password, ends_at: renewed.set() if password == "token-3" else None
    tokens = EcrTokens(REGISTRY, environment(aws, tmp_path, **KEYS))
    tokens.open()
    try:
        async with asyncio.timeout(30):
            await renewed.wait()
    finally:
        await tokens.close()
    ends = [end for _, end in aws.given]
    lives = [later - end for end, later in itertools.pairwise(ends)]
    assert min(lives) >= 0.8 * 0.5 - 0.01


async def test_while_aws_is_away_the_old_token_counts_as_long_as_it_lives(aws: FakeAws, tmp_path: Path) -> None:
    aws.token_life_s = 1000
    clock = Clock()
    tokens = EcrTokens(REGISTRY, environment(aws, tmp_path, **KEYS), clock=clock)
    await tokens.password()
    await aws.down()
    clock.ahead_s = 900
    assert await tokens.password() == "token-0"
    clock.ahead_s = 1001
    with pytest.raises(Unavailable, match=r"no password for the registry 127\.0\.0\.1:1: .*cannot be reached"):
        await tokens.password()
    clock.ahead_s = 0
    await aws.up()
    assert await tokens.password(anew=True) == "token-1"


async def test_a_refusal_is_told_in_awss_words(aws: FakeAws, tmp_path: Path) -> None:
    wrong = {"AWS_ACCESS_KEY_ID": "AKIDTEST", "AWS_SECRET_ACCESS_KEY": "wrong-hush"}
    with pytest.raises(Unavailable, match=r"ECR answered 400 \(InvalidSignatureException\)") as raised:
        await EcrTokens(REGISTRY, environment(aws, tmp_path, **wrong)).password()
    assert "hush" not in str(raised.value)


async def test_a_clock_that_is_off_is_made_up_for(aws: FakeAws, tmp_path: Path) -> None:
    aws.skew_s, aws.token_life_s = 7200.0, 1000
    clock = Clock()
    tokens = EcrTokens(REGISTRY, environment(aws, tmp_path, **KEYS), clock=clock)
    assert await tokens.password() == "token-0"
    clock.ahead_s, aws.skew_s = 790, 7200 + 790
    assert await tokens.password() == "token-0"
    clock.ahead_s, aws.skew_s = 805, 7200 + 805
    assert await tokens.password() == "token-1"
