"""Settings of the loop guard."""

from postbus.runtime.settings import ServiceSettings


class LoopguardSettings(ServiceSettings):
    """What every service has is all it needs: the limits are rules, and no settings."""
