"""Which credential a registry is shown, and where it comes from."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

import pytest

from lilac.agent.config import load
from lilac.agent.registries.credentials import Credential, Registries
from lilac.agent.registries.docker_config import DockerConfig, Login
from lilac.agent.registries.settings import Registry
from lilac.model.errors import InvalidInput


@pytest.mark.parametrize(
    ("url", "image", "shown"),
    [
        ("https://index.docker.io/v1/", "me/app", True),
        ("https://index.docker.io/v1/", "gcr.io/p/app", False),
        ("https://gcr.io", "gcr.io/p/app", True),
        ("gcr.io", "evil.example/gcr.io/app", False),
        ("https://gcr.io", "gcr.io.evil.example/app", False),
        ("https://gcr.io", "evilgcr.io/app", False),
        ("10.0.0.1:5000", "10.0.0.1:5000/app", True),
        ("10.0.0.1:5000", "10.0.0.1:5001/app", False),
        ("https://gcr.io", "debian", False),
    ],
)
async def test_a_credential_goes_to_its_own_registry_only(url: str, image: str, shown: bool) -> None:
    registries = Registries([Registry(registry_url=url, username="u", secret="s")])
    credential = (await registries.for_image(image)).credential
    assert (credential is not None) is shown


def header(credential: Credential | None) -> dict[str, str]:
    assert credential is not None
    return json.loads(base64.urlsafe_b64decode(credential.header()))


def docker_config(tmp_path: Path, document: object) -> Path:
    (tmp_path / "config.json").write_text(json.dumps(document))
    return tmp_path


def basic(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


async def test_the_agents_own_settings_go_before_dockers(tmp_path: Path) -> None:
    directory = docker_config(
        tmp_path, {"auths": {"gcr.io": {"auth": basic("docker:1")}, "quay.io": {"auth": basic("docker:2")}}}
    )
    registries = Registries(
        [
            Registry(registry_url="https://gcr.io", username="first", secret="a"),
            Registry(registry_url="gcr.io", username="second", secret="b"),
        ],
        docker_config=directory,
    )
    assert header((await registries.for_image("gcr.io/x")).credential)["username"] == "first"
    assert header((await registries.for_image("quay.io/x")).credential) == {
        "serveraddress": "quay.io",
        "username": "docker",
        "password": "2",
    }
    assert (await registries.for_image("ghcr.io/x")).credential is None


async def test_a_secret_in_a_file_is_read_when_it_is_used(tmp_path: Path) -> None:
    key = tmp_path / "key.json"
    registry = Registry(registry_url="europe-docker.pkg.dev", username="_json_key", secret_file=str(key))
    registries = Registries([registry])
    with pytest.raises(InvalidInput, match=r"cannot be read from .*key\.json"):
        await registries.for_image("europe-docker.pkg.dev/p/r/i")
    key.write_text('{"type": "service_account"}\n')
    found = await registries.for_image("europe-docker.pkg.dev/p/r/i")
    assert header(found.credential)["password"] == '{"type": "service_account"}'


async def test_docker_hub_is_found_under_its_old_address(tmp_path: Path) -> None:
    directory = docker_config(tmp_path, {"auths": {"https://index.docker.io/v1/": {"auth": basic("me:a:b")}}})
    found = (await Registries(docker_config=directory).for_image("debian:12")).credential
    assert header(found) == {"serveraddress": "https://index.docker.io/v1/", "username": "me", "password": "a:b"}


async def test_a_token_of_identity_is_passed_on_as_one(tmp_path: Path) -> None:
    directory = docker_config(tmp_path, {"auths": {"r.azurecr.io": {"auth": basic("0:"), "identitytoken": "t"}}})
    found = (await Registries(docker_config=directory).for_image("r.azurecr.io/x")).credential
    assert header(found) == {"serveraddress": "r.azurecr.io", "identitytoken": "t"}
    assert '"t"' not in repr(found)


@pytest.mark.parametrize(
    "entry", [{}, {"auth": "%%%"}, {"auth": basic("nocolon")}, {"auth": 3}, {"username": "u"}, "text"]
)
async def test_an_odd_entry_is_none(tmp_path: Path, entry: object) -> None:
    directory = docker_config(tmp_path, {"auths": {"gcr.io": entry}})
    assert await DockerConfig(directory, {}).login("gcr.io") == (None, None)


async def test_without_a_config_there_is_nothing_to_say_and_with_a_broken_one_there_is(tmp_path: Path) -> None:
    assert await DockerConfig(tmp_path, {}).login("gcr.io") == (None, None)
    (tmp_path / "config.json").write_text("{")
    login, complaint = await DockerConfig(tmp_path, {}).login("gcr.io")
    assert login is None
    assert "cannot be read" in (complaint or "")


def helper(tmp_path: Path, name: str, script: str) -> dict[str, str]:
    path = tmp_path / f"docker-credential-{name}"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return {"PATH": f"{tmp_path}:{os.environ['PATH']}"}


ECHO = """test "$1" = get || exit 9
read server
echo "{\\"ServerURL\\": \\"$server\\", \\"Username\\": \\"u\\", \\"Secret\\": \\"for $server\\"}\""""


async def test_a_helper_is_asked_with_the_servers_name(tmp_path: Path) -> None:
    environ = helper(tmp_path, "echo", ECHO)
    directory = docker_config(
        tmp_path,
        {"credHelpers": {"gcr.io": "echo"}, "credsStore": "none", "auths": {"quay.io": {"auth": basic("a:b")}}},
    )
    config = DockerConfig(directory, environ)
    assert await config.login("gcr.io") == (Login("u", "for gcr.io"), None)
    login, complaint = await config.login("quay.io")  # its store is not there, so the file counts
    assert login == Login("a", "b")
    assert "docker-credential-none" in (complaint or "")
    docker_config(tmp_path, {"credsStore": "echo"})
    assert await config.login("docker.io") == (Login("u", "for https://index.docker.io/v1/"), None)


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo hush-hush; exit 1", "failed with exit code 1"),
        ("echo hush-hush", "did not answer with a credential"),
        ('echo \'{"Username": "hush-hush"}\'', "did not answer with a credential"),
        ("sleep 60", "did not answer within 0.3 s"),
    ],
)
async def test_what_a_helper_does_wrong_is_told_and_not_what_it_says(tmp_path: Path, script: str, words: str) -> None:
    environ = helper(tmp_path, "odd", script)
    directory = docker_config(tmp_path, {"credsStore": "odd"})
    login, complaint = await DockerConfig(directory, environ, helper_patience_s=0.3 if "sleep" in script else 30).login(
        "r"
    )
    assert login is None
    assert complaint is not None
    assert words in complaint
    assert "hush" not in complaint


async def test_a_helper_that_knows_nothing_and_one_with_a_token(tmp_path: Path) -> None:
    environ = helper(tmp_path, "a", "echo 'credentials not found in native keychain'; exit 1")
    environ = helper(tmp_path, "b", 'echo \'{"Username": "<token>", "Secret": "t"}\'')
    directory = docker_config(tmp_path, {"credHelpers": {"a.io": "a", "b.io": "b", "c.io": "../evil"}})
    config = DockerConfig(directory, environ)
    assert await config.login("a.io") == (None, None)
    assert await config.login("b.io") == (Login(identity_token="t"), None)
    login, complaint = await config.login("c.io")
    assert login is None
    assert "not on the agent's PATH" in (complaint or "")


BEGIN = 'api_endpoint = "http://x"\ncluster_api_key = "k"\nnode_id = "4b1c2f9e-0a4b-4c84-9d43-5d5f7f8f0a11"\n'
ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"


def loaded(tmp_path: Path, text: str, **environ: str) -> tuple[Registry, ...]:
    path = tmp_path / "agent.toml"
    path.write_text(BEGIN + text)
    return load(path, {"HOME": str(tmp_path), **environ}).all_registries


def test_several_registries_are_read_in_order_after_the_private_one(tmp_path: Path) -> None:
    registries = loaded(
        tmp_path,
        '[[registries]]\nregistry_url = "quay.io"\nusername = "u"\nsecret = "s"\n'
        f'[[registries]]\nregistry_url = "{ECR}"\nrole_arn = "arn:aws:iam::1:role/r"\n'
        '[private_registry]\nregistry_url = "gcr.io"\nusername = "u"\nsecret = "s"\n',
    )
    assert [registry.host for registry in registries] == ["gcr.io", "quay.io", ECR]
    assert [registry.is_ecr for registry in registries] == [False, False, True]
    assert registries[2].ecr_endpoint == "https://api.ecr.eu-west-1.amazonaws.com"


def test_the_variables_of_the_readme_name_each_registry(tmp_path: Path) -> None:
    def one(url: str, username: str, password: str) -> Registry:
        names = ("URL", "USERNAME", "PASSWORD")
        given = {f"LILAC_PRIVATE_REGISTRY_{n}": v for n, v in zip(names, (url, username, password), strict=True) if v}
        (registry,) = loaded(tmp_path, "", **given)
        return registry

    assert one("https://index.docker.io/v1/", "me", "dckr_pat_1").host == "docker.io"
    assert one("https://gcr.io", "_json_key", '{"private_key": "-----BEGIN\\n"}').host == "gcr.io"
    token = one(f"https://{ECR}", "AWS", "eyJ-token")
    assert (token.host, token.is_ecr) == (ECR, False)
    assert one(f"https://{ECR}", "", "").is_ecr


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[[registries]]\nregistry_url = "quay.io"\n', r"registries\[1\]: username and secret must be set too"),
        ('[[registries]]\nusername = "u"\nsecret = "s"\n', r"registries\[1\]: registry_url must be set too"),
        ('[[registries]]\nregistry_url = "r.example"\nrole_arn = "a"\n', "region must be set too"),
        ('[[registries]]\nregistry_url = "gcr.io"\npassword = "p"\n', "line 6: registries.password is not a setting"),
        ('registries = "gcr.io"\n', r"must be tables headed \[\[registries\]\]"),
        ('[[registries]]\nregistry_url = "gcr.io"\nusername = "_json_key"\nsecret = "/k.json"\n', "whole content"),
    ],
)
def test_a_wrong_registry_is_told(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        loaded(tmp_path, text)


@pytest.mark.parametrize(
    ("host", "endpoint"),
    [
        ("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", "https://api.ecr.cn-north-1.amazonaws.com.cn"),
        ("123456789012.dkr.ecr-fips.us-east-1.amazonaws.com", "https://ecr-fips.us-east-1.amazonaws.com"),
    ],
)
def test_the_address_of_ecr_follows_from_the_registrys_name(host: str, endpoint: str) -> None:
    assert Registry(registry_url=host).ecr_endpoint == endpoint
