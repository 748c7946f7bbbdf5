"""How much memory a process took at its largest moment."""

import resource
from pathlib import Path
from typing import Final

_STATUS: Final = Path("/proc/self/status")
_HIGH_WATER: Final = "VmHWM:"


def peak_megabytes() -> float:
    """Return the process's largest resident size so far, in megabytes (10**6 bytes).

    Linux keeps ``ru_maxrss`` across exec, so a child would be charged with what its parent took; the high-water mark of its own
    memory is not (proc(5)).
    """
    if _STATUS.exists():
        line = next(one for one in _STATUS.read_text().splitlines() if one.startswith(_HIGH_WATER))
        return round(int(line.split()[1]) * 1024 / 1e6, 1)
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6, 1)
