"""What a pull's lines add up to, and how often that is told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from lilac.agent import pulling
from lilac.agent.docker_engine import EngineError
from lilac.agent.pulling import Puller, PullProgress
from lilac.agent.registries.credentials import Credential, Found, Registries
from lilac.agent.runtime import StartFailure


def layer(identity: str, status: str, current: int | None = None, total: int | None = None) -> dict[str, Any]:
    detail = {name: value for name, value in (("current", current), ("total", total)) if value is not None}
    return {"id": identity, "status": status, "progressDetail": detail}


def test_bytes_of_all_layers_add_up_and_the_total_waits_for_the_last_size() -> None:
    progress = PullProgress()
    assert not progress.take({"id": "12", "status": "Pulling from library/debian"})
    assert not progress.take(layer("old", "Already exists"))
    assert progress.take(layer("a", "Pulling fs layer"))
    assert progress.take(layer("b", "Pulling fs layer"))
    assert not progress.take(layer("b", "Waiting"))
    assert progress.take(layer("a", "Downloading", 10, 100))
    assert progress.report() == {"step": "pull", "done": 10, "total": None}
    progress.take(layer("b", "Downloading", 5, 50))
    assert (progress.done, progress.total) == (15, 150)
    progress.take(layer("a", "Download complete"))
    progress.take(layer("a", "Extracting", 3, 100))
    progress.take(layer("a", "Pull complete"))
    assert (progress.done, progress.total) == (105, 150)
    progress.take(layer("b", "Pull complete"))
    assert (progress.done, progress.total) == (150, 150)
    assert not progress.take({"status": "Digest: sha256:1"})


def test_a_small_layer_without_a_size_and_a_download_that_begins_again_never_go_backwards() -> None:
    progress = PullProgress()
    progress.take(layer("a", "Pulling fs layer"))
    progress.take(layer("b", "Pulling fs layer"))
    progress.take(layer("a", "Download complete"))
    progress.take(layer("b", "Downloading", 40, 50))
    assert (progress.done, progress.total) == (40, 50)
    progress.take(layer("b", "Downloading", 1, 50))
    assert progress.done == 40


class FakeEngine:
    """Pulls what the test says, and notes with what credentials."""

    def __init__(self, *pulls: list[dict[str, Any]] | EngineError) -> None:
        self.pulls = list(pulls)
        self.shown: list[Credential | None] = []

    async def has_image(self, image: str) -> bool:
        return False

    async def pull(self, image: str, credential: Credential | None) -> AsyncIterator[dict[str, Any]]:
        self.shown.append(credential)
        told = self.pulls.pop(0)
        if isinstance(told, EngineError):
            raise told
        for line in told:
            yield line


class Renewing(Registries):
    def __init__(self) -> None:
        super().__init__()
        self.asked: list[bool] = []

    async def for_image(self, image: str, *, anew: bool = False) -> Found:
        self.asked.append(anew)
        return Found(Credential(registry="docker.io", username="AWS", secret=f"t{len(self.asked)}", renewable=True))


class Ear:
    def __init__(self) -> None:
        self.heard: list[Mapping[str, Any] | None] = []
        self.times: dict[str, float] = {}

    def __call__(self, *, message: str | None, progress: Mapping[str, Any] | None, **times: float) -> None:
        self.heard.append(progress)
        self.times |= times


async def test_the_first_word_comes_at_once_and_the_others_are_few(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [layer("a", "Downloading", n, 1000) for n in range(1, 1000)]
    ear = Ear()
    await Puller(FakeEngine(lines), Registries()).ensure("a", ear)  # pyright: ignore[reportArgumentType]
    told = [progress for progress in ear.heard if progress is not None]
    assert told[0] == {"step": "pull", "done": 1, "total": 1000}
    assert len(told) < 20
    assert ear.heard[-1] is None
    assert ear.times["pull_started"] <= ear.times["pull_finished"]
    monkeypatch.setattr(pulling, "TELL_EVERY_S", 0.0)
    await Puller(FakeEngine(lines), Registries()).ensure("a", ear)  # pyright: ignore[reportArgumentType]
    assert {"step": "pull", "done": 999, "total": 1000} in ear.heard


async def test_a_renewable_credential_that_is_refused_is_renewed_once() -> None:
    refused = EngineError(500, "Head https://r/v2/x/manifests/1: no basic auth credentials")
    registries, engine = Renewing(), FakeEngine(refused, [])
    await Puller(engine, registries).ensure("a", Ear())  # pyright: ignore[reportArgumentType]
    assert [shown.secret for shown in engine.shown if shown is not None] == ["t1", "t2"]
    registries, engine = Renewing(), FakeEngine(refused, refused)
    with pytest.raises(StartFailure, match="credential on the node"):
        await Puller(engine, registries).ensure("a", Ear())  # pyright: ignore[reportArgumentType]
    assert registries.asked == [False, True]
