"""The NVIDIA GPUs of this machine, by NVML. A machine without driver, or with half of one, simply has fewer."""

from __future__ import annotations

from typing import Any

import pynvml
import structlog

from lilac.model.resources import Gpu, model_matches

log = structlog.get_logger(__name__)

_MIB = 1 << 20

LEGACY_MODELS = ("A100", "A10G", "B200", "H100", "H200", "L40S", "L4", "T4g", "T4", "V100")
"""The words that an original server knows."""


class GpuReader:
    """Reads the GPUs afresh at every call. A GPU seen once stays known: when the driver loses it, it is unhealthy."""

    def __init__(self) -> None:
        self._known: dict[int, Gpu] = {}
        self._ready = False
        self._told = ""

    def read(self) -> tuple[Gpu, ...]:
        """Return all GPUs in the driver's order. Blocking: a sick driver may take its time."""
        try:
            if not self._ready:
                pynvml.nvmlInit()
                self._ready = True
            count = int(pynvml.nvmlDeviceGetCount())
        except pynvml.NVMLError as error:
            self._ready = False
            self._tell(str(error))
            return tuple(_unhealthy(gpu) for gpu in self._known.values())
        for index in range(count):
            gpu = self._device(index)
            if gpu is not None:
                self._known[index] = gpu
            elif index in self._known:
                self._known[index] = _unhealthy(self._known[index])
        for index in [index for index in self._known if index >= count]:
            self._known[index] = _unhealthy(self._known[index])
        return tuple(self._known[index] for index in sorted(self._known))

    def close(self) -> None:
        if self._ready:
            self._ready = False
            try:
                pynvml.nvmlShutdown()
            except pynvml.NVMLError as error:
                log.debug("NVML did not shut down", why=str(error))

    def _device(self, index: int) -> Gpu | None:
        try:
            handle: Any = pynvml.nvmlDeviceGetHandleByIndex(index)
            uuid = _text(pynvml.nvmlDeviceGetUUID(handle))
            model = _text(pynvml.nvmlDeviceGetName(handle))
            memory_mb = int(pynvml.nvmlDeviceGetMemoryInfo(handle).total) // _MIB
        except pynvml.NVMLError as error:
            self._tell(f"GPU {index}: {error}")
            return None
        return Gpu(uuid=uuid, model=model, memory_mb=memory_mb, healthy=True)

    def _tell(self, words: str) -> None:
        if words != self._told:
            self._told = words
            log.info("NVML", says=words)


def legacy_word(model: str) -> str:
    """Return the original protocol's word for a GPU; like the original agent, T4 for one that it has no word for."""
    return next((word for word in LEGACY_MODELS if model_matches(word, model)), "T4")


def _unhealthy(gpu: Gpu) -> Gpu:
    return Gpu(uuid=gpu.uuid, model=gpu.model, memory_mb=gpu.memory_mb, healthy=False)


def _text(value: str | bytes) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
