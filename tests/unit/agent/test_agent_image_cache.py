"""Which images are removed, and how much disk they take."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from lilac.agent.config import load
from lilac.agent.disk import Disk, EngineDisk, measure
from lilac.agent.docker_engine import DockerEngine
from lilac.agent.image_cache import Held, ImageCache, Keeping, choose, layers_of, taken

BASE = {"base": 700}


def image(name: str, used_at: float, own: int, base: dict[str, int] = BASE) -> Held:
    return Held(id=name, used_at=used_at, layers={**base, name: own})


def test_the_least_recently_used_go_first_and_a_shared_layer_counts_once() -> None:
    held = [image("new", 3, 100), image("old", 1, 100), image("mid", 2, 100)]
    assert taken(held) == 1000
    assert choose(held, budget_bytes=1000, missing_bytes=0) == []
    assert choose(held, budget_bytes=999, missing_bytes=0) == ["old"]
    assert choose(held, budget_bytes=800, missing_bytes=0) == ["old", "mid"]
    assert choose(held, budget_bytes=None, missing_bytes=0) == []
    assert choose(held, budget_bytes=None, missing_bytes=150) == ["old", "mid"]
    assert choose(held, budget_bytes=0, missing_bytes=0) == ["old", "mid", "new"]


images = st.lists(
    st.tuples(st.integers(0, 5), st.dictionaries(st.sampled_from("abcdef"), st.just(10), max_size=4)), max_size=6
)


@given(told=images, budget=st.none() | st.integers(0, 80), missing=st.integers(0, 80))
def test_what_is_left_fits_and_nothing_is_removed_without_need(
    told: list[tuple[int, dict[str, int]]], budget: int | None, missing: int
) -> None:
    held = [Held(id=str(n), used_at=used, layers=layers) for n, (used, layers) in enumerate(told)]
    chosen = choose(held, budget_bytes=budget, missing_bytes=missing)
    left = [h for h in held if h.id not in chosen]
    fits = (budget is None or taken(left) <= budget) and taken(held) - taken(left) >= missing
    assert fits or not left
    if chosen:
        one_less = [h for h in held if h.id not in chosen[:-1]]
        assert (budget is not None and taken(one_less) > budget) or taken(held) - taken(one_less) < missing
        assert max(h.used_at for h in held if h.id in chosen) <= min((h.used_at for h in left), default=9)


def test_layers_get_their_sizes_from_the_history() -> None:
    details = {"Size": 30, "RootFS": {"Layers": ["sha256:a", "sha256:b"]}}
    history = [{"Size": 0}, {"Size": 20}, {"Size": 0}, {"Size": 10}]
    one = layers_of("x", details, history)
    assert list(one.values()) == [10, 20]
    other = {"Size": 15, "RootFS": {"Layers": ["sha256:a", "sha256:c"]}}
    shared = layers_of("y", other, [{"Size": 5}, {"Size": 10}]).keys() & one.keys()
    assert len(shared) == 1


def test_where_the_history_does_not_match_the_image_counts_whole() -> None:
    details = {"Size": 30, "RootFS": {"Layers": ["sha256:a", "sha256:b"]}}
    assert layers_of("x", details, [{"Size": 30}]) == {"x": 30}
    assert layers_of("x", {"Size": 7}, []) == {"x": 7}


def test_a_disk_is_measured_where_it_is(tmp_path: Path) -> None:
    disk = measure(tmp_path)
    assert disk is not None
    assert 0 <= disk.free_bytes <= disk.total_bytes
    assert measure(tmp_path / "no") is None
    assert Disk(3 << 20, 1 << 20).report() == {"total_mb": 3, "free_mb": 1}


def test_the_rules_come_from_the_settings(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path), "LILAC_API_ENDPOINT": "http://x", "LILAC_CLUSTER_API_KEY": "k"}
    config = load(None, environ)
    assert (config.image_cache_gb, config.min_free_disk_gb) == (None, 2.0)
    config = load(None, environ | {"LILAC_AGENT_IMAGE_CACHE_GB": "50", "LILAC_AGENT_MIN_FREE_DISK_GB": "0"})
    assert (config.image_cache_gb, config.min_free_disk_gb) == (50.0, 0.0)


async def test_a_disk_is_low_below_the_floor_and_until_a_tenth_more_is_free(tmp_path: Path) -> None:
    engine = DockerEngine("unix:///nowhere")
    cache = ImageCache(engine, EngineDisk(engine), Keeping(state_file=tmp_path / "images.json", floor_bytes=1000))
    try:
        assert [cache.is_low(free) for free in (1000, 999, 1000, 1099, 1100, 1000)] == [
            False, True, True, True, False, False,
        ]  # fmt: skip
    finally:
        await cache.close()
        await engine.close()
