"""The base of everything that travels as JSON: camelCase outside, snake_case inside, frozen."""

from __future__ import annotations

from typing import Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError


def _whole(value: object) -> object:
    if isinstance(value, bool):
        raise PydanticCustomError("int_type", "Input should be a valid integer")
    return int(value) if isinstance(value, float) and value.is_integer() else value


Whole = BeforeValidator(_whole)
"""For integers that others write: JSON has one kind of number, and many encoders write 1 as 1.0. A boolean is none."""


class Wire(BaseModel):
    """A frozen value with camelCase JSON. Unknown keys are refused: a typo in a request should not pass silently."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        frozen=True,
        extra="forbid",
        ser_json_inf_nan="null",
        # What is always sent is described as always there: generated types need no guard for it.
        json_schema_serialization_defaults_required=True,
    )

    @classmethod
    def of(cls, value: object) -> Self:
        """Made of a value that has the same fields."""
        return cls.model_validate(value, from_attributes=True)

    def to_wire(self) -> dict[str, Any]:
        """JSON-ready: camelCase keys, only JSON types. Optional fields that are None stay as null."""
        return self.model_dump(mode="json", by_alias=True)
