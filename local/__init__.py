"""What stands in for the cloud on one machine. Imports nothing from ``shared``.

A process that the stand starts is told so in its environment, and lives by the stand's clock from its first line on.
"""

import os as _os
from pathlib import Path as _Path

if _os.environ.get("STAND_CLOCK"):
    from local.simkit.moved import follow as _follow

    _follow(_Path(_os.environ["STAND_CLOCK"]))
