"""What a request accepts, and what makes no sense anywhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lilac.model.errors import InvalidInput
from lilac.model.resources import Gpu, GpuRequest, ResourceRequest, check_request, model_matches


@pytest.mark.parametrize(
    ("wanted", "device"),
    [
        ("A100", "NVIDIA A100-SXM4-80GB"),
        ("a100", "NVIDIA A100-PCIE-40GB"),
        ("H100", "NVIDIA H100 80GB HBM3"),
        ("A100 80GB", "NVIDIA A100-SXM4-80GB"),
        ("RTX 4090", "NVIDIA GeForce RTX 4090"),
        ("GeForce RTX 4090", "NVIDIA GeForce RTX 4090"),
        ("L4", "NVIDIA L4"),
        ("T4", "Tesla T4"),
    ],
)
def test_a_model_is_found_by_its_words(wanted: str, device: str) -> None:
    assert model_matches(wanted, device)


@pytest.mark.parametrize(
    ("wanted", "device"),
    [
        ("L4", "NVIDIA L40S"),
        ("L40", "NVIDIA L40S"),
        ("A100", "NVIDIA RTX A1000"),
        ("H100", "NVIDIA GH200 480GB"),
        ("T4", "NVIDIA T4G"),
        ("80GB A100", "NVIDIA A100-SXM4-80GB"),
    ],
)
def test_a_model_that_only_looks_alike_is_refused(wanted: str, device: str) -> None:
    assert not model_matches(wanted, device)


@pytest.mark.parametrize(
    ("memory_gb", "memory_mb", "accepted"),
    [
        (80, 81_559, True),  # H100 80GB
        (16, 15_109, True),  # T4 with error correction
        (24, 22_731, True),  # A10G
        (24, 16_376, False),
        (40, 40_536, True),  # A100 40GB
        (80, 40_536, False),
    ],
)
def test_gpu_memory_is_counted_as_on_the_box(memory_gb: int, memory_mb: int, accepted: bool) -> None:
    gpu = Gpu("GPU-1", "GPU", memory_mb)
    assert GpuRequest(1, memory_gb=memory_gb).accepts(gpu) is accepted


@pytest.mark.parametrize(
    ("request_", "named"),
    [
        (ResourceRequest(0, 1), "cpu_millicores"),
        (ResourceRequest(-5, 1), "cpu_millicores"),
        (ResourceRequest(1, 0), "memory_mb"),
        (ResourceRequest(1, 1, GpuRequest(0)), "gpus.count"),
        (ResourceRequest(1, 1, GpuRequest(1, memory_gb=-1)), "gpus.memory_gb"),
        (ResourceRequest(1, 1, GpuRequest(1, model="  ")), "gpus.model"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused_by_the_name_of_its_field(
    request_: ResourceRequest, named: str
) -> None:
    with pytest.raises(InvalidInput, match=named):
        check_request(request_)


def test_all_wrong_fields_are_told_at_once() -> None:
    with pytest.raises(InvalidInput, match=r"cpu_millicores.*memory_mb.*gpus\.count"):
        check_request(ResourceRequest(0, 0, GpuRequest(0)))


@given(st.text(max_size=30))
def test_a_device_is_always_found_by_its_own_name(name: str) -> None:
    assert model_matches(name, name)


@pytest.mark.parametrize(
    ("model", "count", "accepted"),
    [
        ("1g.5gb", 1, True),
        ("A100 MIG", 1, True),
        ("A100 1g.5gb", 2, True),
        ("A100", 1, False),
        ("A100 40GB", 1, False),
        ("3g.20gb", 1, False),
        (None, 1, True),
        (None, 2, False),
    ],
)
def test_a_mig_device_is_for_who_names_it_or_takes_any_single_gpu(
    model: str | None, count: int, accepted: bool
) -> None:
    device = Gpu("MIG-1", "NVIDIA A100-SXM4-40GB MIG 1g.5gb", 4_864, mig="1g.5gb", parent="GPU-m")
    assert GpuRequest(count, model).accepts(device) is accepted


def test_a_request_for_a_mig_profile_takes_no_whole_gpu() -> None:
    assert not GpuRequest(1, "1g.5gb").accepts(Gpu("GPU-1", "NVIDIA A100-SXM4-40GB", 40_960))
