"""Every name that a value of the book can hold, asked of the models themselves."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel

from shared.policy.cells import Sets


def models(of: Any = Sets) -> Iterator[type[BaseModel]]:
    """The model and all that its fields hold, each once."""
    seen: set[type[BaseModel]] = set()
    waiting = [of]
    while waiting:
        model = waiting.pop()
        if model in seen:
            continue
        seen.add(model)
        yield model
        for field in model.model_fields.values():
            waiting += [part for part in _parts(field.annotation) if _is_model(part)]


def fields() -> set[str]:
    """The names of all fields below the cells."""
    return {name for model in models() if model is not Sets for name in model.model_fields}


def values() -> set[str]:
    """All words that a closed choice offers: members of enumerations, literals."""
    return {word for model in models() for word in _choices(model)}


def methods() -> set[tuple[str, str]]:
    """Each variant of a union that is told by its `method`: the model's name and the method."""
    return {
        (model.__name__, get_args(model.model_fields["method"].annotation)[0])
        for model in models()
        if "method" in model.model_fields
    }


def _choices(model: type[BaseModel]) -> Iterator[str]:
    for field in model.model_fields.values():
        for part in _parts(field.annotation):
            if isinstance(part, type) and issubclass(part, Enum):
                yield from (str(member.value) for member in part)
            elif get_origin(part) is Literal:
                yield from (str(word) for word in get_args(part))


def _parts(annotation: Any) -> Iterator[Any]:
    """An annotation and everything that it is made of."""
    yield annotation
    if get_origin(annotation) is not Literal:
        for part in get_args(annotation):
            yield from _parts(part)


def _is_model(part: Any) -> bool:
    return isinstance(part, type) and issubclass(part, BaseModel)
