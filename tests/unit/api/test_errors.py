"""One readable sentence for whatever is wrong with a body, and never a secret in it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from lilac.api.errors import describe, field_of
from lilac.api.schemas.accounts import NewUserBody, UserChangesBody
from lilac.api.schemas.clusters import QueueBody
from lilac.api.schemas.jobs import SubmitJob

JOB: dict[str, Any] = {
    "name": "digits",
    "definition": "debian:12",
    "queue_id": "default",
    "resource_requirements": {"cpu_millicores": 1000, "memory_mb": 512},
}


def first_error(model: type[BaseModel], body: Any) -> dict[str, Any]:
    with pytest.raises(ValidationError) as caught:
        model.model_validate(body)
    error = caught.value.errors()[0]
    return {**error, "loc": ("body", *error["loc"])}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"resource_requirements": {"cpu_millicores": "abc", "memory_mb": 1}},
            "resource_requirements.cpu_millicores must be an integer, not 'abc'.",
        ),
        (
            {"resource_requirements": {"cpu_millicores": 1.5, "memory_mb": 1}},
            "resource_requirements.cpu_millicores must be an integer, not 1.5.",
        ),
        (
            {"resource_requirements": {"cpu_millicores": 2**31, "memory_mb": 1}},
            "resource_requirements.cpu_millicores must be at most 2147483647, not 2147483648.",
        ),
        ({"resource_requirements": {"memory_mb": 1}}, "resource_requirements.cpu_millicores is required."),
        ({"resource_requirements": [1]}, "resource_requirements must be a JSON object, not a list."),
        ({"name": None}, "name must be a string, not null."),
        ({"runtime": "podman"}, "runtime must be one of 'docker' or 'process', not 'podman'."),
        ({"command": "ls"}, "command must be a list, not 'ls'."),
        ({"name": 5 * [1]}, "name must be a string, not a list."),
    ],
)
def test_the_sentence_names_field_wish_and_value(change: dict[str, Any], sentence: str) -> None:
    assert describe(first_error(SubmitJob, {**JOB, **change})) == sentence


def test_the_sentence_for_no_body_at_all() -> None:
    assert describe({"type": "missing", "loc": ("body",), "msg": "", "input": None}) == "A JSON body is required."
    assert describe(first_error(QueueBody, 5)) == "The body must be a JSON object, not 5."


def test_long_values_are_cut() -> None:
    sentence = describe(first_error(QueueBody, {"name": "q", "priority": "9" * 500, "cluster_targets": []}))
    assert len(sentence) < 120


@given(
    st.one_of(st.integers(), st.booleans(), st.lists(st.text(min_size=8)), st.text(max_size=7), st.text(min_size=1025))
)
def test_a_password_is_never_repeated(value: Any) -> None:
    for model, field in ((NewUserBody, "password"), (UserChangesBody, "password")):
        error = first_error(model, {"username": "ada", field: value})
        sentence = describe(error)
        assert field_of(error).startswith("password")
        assert sentence in (
            "password must be a string.",
            "password must be at least 8 characters long.",
            "password must be at most 1024 characters long.",
        )
