"""JSON Merge Patch (RFC 7396)."""

from typing import Any

from postbus.contracts.base import JsonObject


def merge(target: JsonObject, patch: JsonObject) -> JsonObject:
    """`target` with the patch applied; null removes a member (RFC 7396 §2)."""
    merged = dict(target)
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = _merged(merged.get(name), value)
    return merged


def _merged(old: Any, new: Any) -> Any:
    if isinstance(new, dict):
        return merge(old if isinstance(old, dict) else {}, new)
    return new
