"""Collections do not go through what was loaded at start."""

import gc

from postbus.runtime.garbage import spare_what_is_loaded


def test_what_is_loaded_is_looked_at_no_more() -> None:
    before = [object() for _ in range(10)], {"kept": []}
    try:
        spare_what_is_loaded()
        assert gc.get_freeze_count() > 10_000
        assert not any(one is before for one in gc.get_objects())
        later: list[object] = []
        assert any(one is later for one in gc.get_objects())
    finally:
        gc.unfreeze()
