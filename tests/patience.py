"""How long tests wait for what has to happen. Only a hang reaches it, however busy the machine is."""

HANG_S = 60.0
HANG_MS = HANG_S * 1_000
