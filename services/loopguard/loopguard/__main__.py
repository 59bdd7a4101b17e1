"""`python -m loopguard`"""

from loopguard.app import build
from loopguard.settings import LoopguardSettings
from postbus.runtime.serve import run

if __name__ == "__main__":
    settings = LoopguardSettings()
    run(build(settings), settings)
