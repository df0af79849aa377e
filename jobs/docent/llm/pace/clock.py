"""Read the clock that cannot be set: seconds since the boot."""

from __future__ import annotations

import time


def since_boot_s() -> float:
    """Return seconds since the boot, including those in which the machine slept."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
