"""Coverage-guided fuzzing of everything that reads mail: `make fuzz MINUTES=10`.

New inputs that reach new code are kept in `tests/mails/seeds`; what breaks a promise is written
beside the working directory as libFuzzer does (`crash-…`, `timeout-…`) and ends the run.
"""

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["postbus.mail"]):
    from fuzz.promises import check

SEEDS = Path(__file__).parents[1] / "mails" / "seeds"
_SECONDS_PER_MAIL = 5
_MAX_BYTES = 16 * 1024


def main(work: Path, minutes: float) -> None:
    """Fuzz so long; new inputs go to ``work``."""
    work.mkdir(parents=True, exist_ok=True)
    options = [
        f"-max_total_time={int(minutes * 60)}",
        f"-timeout={_SECONDS_PER_MAIL}",
        f"-max_len={_MAX_BYTES}",
        f"-artifact_prefix={work}-found-",
        "-use_value_profile=1",
        "-rss_limit_mb=2048",
        "-print_final_stats=1",
    ]
    atheris.Setup([sys.argv[0], *options, str(work), str(SEEDS)], check)
    atheris.Fuzz()


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]))
