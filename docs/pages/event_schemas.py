"""`docs/events/<type>.json`: the JSON Schema of each event."""

import json

from postbus.contracts.base import JsonObject
from postbus.contracts.catalogue import FACTS, Fact

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema_of(fact: Fact) -> JsonObject:
    """The schema of the whole event, envelope and data."""
    schema: JsonObject = fact.model.model_json_schema(by_alias=True)
    schema["$schema"] = _DIALECT
    schema["description"] = f"{fact.says[:1].upper()}{fact.says[1:]}."
    # Several types share a model; the type is what tells them apart.
    schema["properties"]["type"]["const"] = fact.type
    return schema


def files() -> dict[str, str]:
    """File name → text, keys sorted, so that a difference shows what changed."""
    return {
        f"{fact.type}.json": json.dumps(
            schema_of(fact), indent=2, sort_keys=True, ensure_ascii=False
        )
        + "\n"
        for fact in FACTS
    }
