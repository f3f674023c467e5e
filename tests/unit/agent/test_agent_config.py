from __future__ import annotations

import stat
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from lilac.agent.config import AgentConfig, Registry, load, save
from lilac.model.clusters import RuntimeName
from lilac.model.errors import InvalidInput

NODE = "4b1c2f9e-0a4b-4c84-9d43-5d5f7f8f0a11"


def environ(home: Path, **more: str) -> dict[str, str]:
    return {"HOME": str(home), **more}


def written(home: Path, text: str) -> Path:
    path = home / ".lilac" / "agent.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


FULL = f"""\
api_endpoint = "http://lilac.example.com/"
cluster_api_key = "k1"
node_id = "{NODE}"
node_name = "gpu-1"
runtimes = ["docker", "process"]

[labels]
rack = "b2"

[private_registry]
registry_url = "https://gcr.io"
username = "u"
secret = "s"
"""


def test_a_full_file_is_read(tmp_path: Path) -> None:
    written(tmp_path, FULL)
    config = load(environ=environ(tmp_path))
    assert config.api_endpoint == "http://lilac.example.com"
    assert (config.node_id, config.node_name) == (NODE, "gpu-1")
    assert config.runtimes == (RuntimeName.DOCKER, RuntimeName.PROCESS)
    assert config.labels == {"rack": "b2"}
    assert config.private_registry == Registry(registry_url="https://gcr.io", username="u", secret="s")
    assert config.state_dir == tmp_path / ".lilac" / "agent"


def test_each_variable_replaces_just_its_own_key_and_the_file_stays(tmp_path: Path) -> None:
    path = written(tmp_path, FULL)
    other = str(uuid.uuid4())
    config = load(
        environ=environ(
            tmp_path,
            LILAC_CLUSTER_API_KEY="k2",
            LILAC_NODE_ID=other.upper(),
            LILAC_AGENT_RUNTIMES="process",
            LILAC_AGENT_STATE_DIR=str(tmp_path / "s"),
            LILAC_PRIVATE_REGISTRY_PASSWORD="t",
            LILAC_NODE_NAME="n",
            DOCKER_HOST="unix:///x.sock",
        )
    )
    assert (config.api_endpoint, config.cluster_api_key) == ("http://lilac.example.com", "k2")
    assert (config.node_id, config.node_name, config.docker_host) == (other, "n", "unix:///x.sock")
    assert config.runtimes == (RuntimeName.PROCESS,)
    assert config.private_registry == Registry(registry_url="https://gcr.io", username="u", secret="t")
    assert config.state_dir == tmp_path / "s"
    assert path.read_text() == FULL


def test_a_node_id_is_made_once(tmp_path: Path) -> None:
    variables = environ(tmp_path, LILAC_API_ENDPOINT="http://x", LILAC_CLUSTER_API_KEY="k")
    first = load(environ=variables)
    assert load(environ=variables).node_id == first.node_id == str(uuid.UUID(first.node_id))
    kept = tmp_path / ".lilac" / "agent" / "node_id"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("api_endpoint = 3\n", 1, "api_endpoint must be text in quotes, not a number"),
        ('\n\nnode_id = "x"\n', 3, "node_id must be a UUID"),
        ("a = 1\n", 1, "a is not a setting"),
        ("api_endpoint = http://x\n", 1, "api_endpoint: this is not valid TOML"),
        ('runtimes = ["podman"]\n', 1, "docker or process, not 'podman'"),
        ("[private_registry]\nusername = 1\n", 2, "private_registry.username must be text"),
        ('node_name = "a"\n[private_registry]\npassword = "x"\n', 3, "private_registry.password is not a setting"),
        ("[labels]\nrack = 1\n", 2, "labels.rack must be text"),
        ('api_endpoint = "ftp://x"\n', 1, "must be an address"),
    ],
)
def test_a_wrong_file_names_the_place(tmp_path: Path, text: str, line: int, words: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(InvalidInput) as raised:
        load(environ=environ(tmp_path))
    assert str(raised.value).startswith(f"{path}, line {line}: ")
    assert words in str(raised.value)


def test_what_is_missing_is_said_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"run `lilac agent configure` or set LILAC_API_ENDPOINT"):
        load(environ=environ(tmp_path))
    with pytest.raises(InvalidInput, match="set LILAC_CLUSTER_API_KEY"):
        load(environ=environ(tmp_path, LILAC_API_ENDPOINT="http://x"))
    with pytest.raises(InvalidInput, match="LILAC_PRIVATE_REGISTRY_PASSWORD"):
        load(
            environ=environ(
                tmp_path,
                LILAC_API_ENDPOINT="http://x",
                LILAC_CLUSTER_API_KEY="k",
                LILAC_PRIVATE_REGISTRY_URL="gcr.io",
                LILAC_PRIVATE_REGISTRY_USERNAME="u",
            )
        )


def test_a_malformed_node_id_in_the_environment_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="LILAC_NODE_ID must be a UUID"):
        load(environ=environ(tmp_path, LILAC_NODE_ID="node-1"))


def test_what_is_saved_is_private_and_loads_again(tmp_path: Path) -> None:
    written(tmp_path, FULL)
    config = load(environ=environ(tmp_path))
    path = tmp_path / "new" / "agent.toml"
    save(config, path)
    assert load(path, environ(tmp_path)) == config
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [p.name for p in path.parent.iterdir()] == ["agent.toml"]


def test_secrets_do_not_show_in_a_printed_configuration() -> None:
    config = AgentConfig(
        api_endpoint="http://x",
        cluster_api_key="geheim",
        node_id=NODE,  # pyright: ignore[reportArgumentType]
        private_registry=Registry(registry_url="r", username="u", secret="geheim"),
    )
    assert "geheim" not in repr(config)


def test_importing_the_settings_loads_nothing_heavy() -> None:
    check = (
        "import sys, lilac.agent.config; sys.exit(any(m in sys.modules for m in ('aiohttp', 'aiodocker', 'structlog')))"
    )
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0
