"""JSON Schemas as tables for people."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

_SLUG = r"^[a-z0-9][a-z0-9-]{0,62}$"
_SHA256 = r"^[0-9a-f]{64}$"
_BY_PATTERN = {_SLUG: "slug", _SHA256: "SHA-256, hexadecimal"}
_BY_TYPE = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "object": "object",
    "null": "null",
}
Schema = Mapping[str, Any]


def definitions_of(models: Iterable[type[BaseModel]]) -> dict[str, Schema]:
    """Every shape that the models are made of, by name; the models themselves included."""
    found: dict[str, Schema] = {}
    for model in models:
        schema = model.model_json_schema(by_alias=True)
        found.update(schema.pop("$defs", {}))
        found[model.__name__] = schema
    return found


def table(schema: Schema) -> list[str]:
    """The fields of an object, or the values of an enumeration, as Markdown lines."""
    if "enum" in schema:
        return ["One of " + ", ".join(f"`{value}`" for value in schema["enum"]) + "."]
    required = set(schema.get("required", ()))
    lines = ["| field | type | | meaning |", "| --- | --- | --- | --- |"]
    for name, one in schema.get("properties", {}).items():
        needed = "always" if name in required else _default_of(one)
        lines.append(
            f"| `{name}` | {type_of(one)} | {needed} | {cell(one.get('description', ''))} |"
        )
    return lines


def rows_of(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def type_of(schema: Schema) -> str:
    """The type of a field in words, with links to shapes of the same page."""
    if "$ref" in schema:
        name = str(schema["$ref"]).rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(type_of(one) for one in schema["anyOf"])
    if "const" in schema:
        return f"`{schema['const']}`"
    if schema.get("type") == "array":
        return f"list of {type_of(schema.get('items', {'type': 'object'}))}"
    if schema.get("format") == "date-time":
        return "time (RFC 3339)"
    return _BY_PATTERN.get(schema.get("pattern", ""), _BY_TYPE[schema.get("type", "object")])


def cell(text: str) -> str:
    """A text as one table cell."""
    return " ".join(text.split()).replace("|", "\\|")


def _default_of(schema: Schema) -> str:
    if "default" not in schema or schema["default"] in (None, "", [], {}):
        return ""
    default = schema["default"]
    if isinstance(default, dict):
        return ""
    shown = str(default).lower() if isinstance(default, bool) else str(default)
    return f"default `{shown}`"
