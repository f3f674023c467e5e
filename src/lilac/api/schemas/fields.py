"""Field types that several shapes share."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr

from lilac.control.accounts import USERNAME_PATTERN
from lilac.control.passwords import MAX_LENGTH, MIN_LENGTH
from lilac.control.times import from_rfc3339

Int32 = Annotated[StrictInt, Field(ge=-(2**31), le=2**31 - 1)]
Flag = StrictBool
Name = Annotated[StrictStr, Field(min_length=1, max_length=255)]
Text = Annotated[StrictStr, Field(max_length=10_000)]
Password = Annotated[StrictStr, Field(max_length=MAX_LENGTH)]
NewPassword = Annotated[StrictStr, Field(min_length=MIN_LENGTH, max_length=MAX_LENGTH)]
Username = Annotated[StrictStr, Field(max_length=255, json_schema_extra={"pattern": f"^{USERNAME_PATTERN}$"})]


def _check_time(text: str) -> str:
    if from_rfc3339(text) is None:
        raise ValueError("must be a time such as 2026-11-24T04:00:00Z")
    return text


Time = Annotated[StrictStr, AfterValidator(_check_time), Field(examples=["2026-11-24T04:00:00Z"])]


class Body(BaseModel):
    """A request's body."""

    model_config = ConfigDict(extra="ignore")


class Shape(BaseModel):
    """A reply, for the documentation. Later releases may add fields."""
