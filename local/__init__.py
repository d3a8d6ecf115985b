"""What stands in for the cloud on one machine. Imports nothing from ``shared``.

A process that the stand starts is told so in its environment: from its first line on it lives by the stand's clock, and
ends when the process is gone that started it.
"""

import os as _os
from pathlib import Path as _Path

from local.lifeline import hold_on as _hold_on

_hold_on(_os.environ)
if _os.environ.get("STAND_CLOCK"):
    from local.simkit.moved import follow as _follow

    _follow(_Path(_os.environ["STAND_CLOCK"]))
