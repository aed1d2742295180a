"""How fast, as ratios taken in one run: against the plain way, and against a limit of this machine measured beside it."""
