"""REST of what a model is sent: the system prompt, and the whole view with what was left out of it."""

from __future__ import annotations

from pydantic import Field

from models.calls import NoArguments
from models.errors import UnknownModel
from models.wire import Wire
from services.engine.view import LeftOut, View
from web.keys import PROVIDERS, VIEWS
from web.rest.answers import PromptAnswer, PromptPartView
from web.rest.route import Call, NoQuery


def _is_none(value: object) -> bool:
    return value is None


class ShownPart(Wire):
    """A part of the system prompt; `cut` where its middle had to go."""

    name: str
    text: str
    tokens: int
    cut: bool


class ShownMessage(Wire):
    """`cut` where only the beginning of its text fits."""

    id: str
    role: str
    kind: str
    tokens: int
    cut: bool


class ShownTool(Wire):
    name: str
    tokens: int


class ShownTokens(Wire):
    """`exact`: counted by the model's own tokenizer, not estimated; `reserve` is kept for the reply."""

    system: int
    tools: int
    history: int
    total: int
    reserve: int
    exact: bool


class NotShown(Wire):
    """A message by its `id`, or the positions `from` to `to` of the branch, which were not even read; what of those is
    sent all the same stands among the messages. `reason`: `over_budget`; `interrupted` or `error` (a reply that broke
    off and was asked for again); `waiting` (for a run of its own); `unpaired` (a result without its call); `empty`
    (nothing in it is for a model). There may be others."""

    reason: str
    id: str | None = Field(default=None, exclude_if=_is_none)
    first: int | None = Field(default=None, alias="from", exclude_if=_is_none)
    last: int | None = Field(default=None, alias="to", exclude_if=_is_none)
    tokens: int | None = Field(default=None, exclude_if=_is_none)


class ViewAnswer(Wire):
    """What the next request to the session's model would hold, oldest message first. `budget` is the window less what
    is kept for the reply."""

    model: str
    window: int
    budget: int
    system: tuple[ShownPart, ...]
    messages: tuple[ShownMessage, ...]
    tools: tuple[ShownTool, ...]
    tokens: ShownTokens
    left_out: tuple[NotShown, ...]


async def get_prompt(call: Call[NoArguments, NoQuery]) -> PromptAnswer:
    """Part by part. A session whose model is gone has a prompt too."""
    context = await call.library.context(call.principal, call.session_id)
    try:
        info = call.app[PROVIDERS].resolve(context.model)[1]
    except UnknownModel:
        info = None
    views = call.app[VIEWS]
    parts = await views.parts(context, views.offered(context.mode, info))
    return PromptAnswer(parts=tuple(PromptPartView(name=part.name, text=part.text) for part in parts))


async def get_view(call: Call[NoArguments, NoQuery]) -> ViewAnswer:
    """While a run is at work, what it would send now; else what one would that goes on from here. Raises
    UnknownModel."""
    context = await call.library.context(call.principal, call.session_id)
    info = call.app[PROVIDERS].resolve(context.model)[1]
    views = call.app[VIEWS]
    history = await call.library.history(call.principal, context)
    return _answer(await views.of_history(history, info, views.offered(context.mode, info)))


def _answer(view: View) -> ViewAnswer:
    tokens = view.tokens
    return ViewAnswer(
        model=view.model,
        window=tokens.window,
        budget=tokens.budget,
        system=tuple(ShownPart.of(part) for part in view.system),
        messages=tuple(
            ShownMessage(
                id=each.message.id,
                role=each.message.role,
                kind=each.message.kind,
                tokens=each.tokens,
                cut=each.cut,
            )
            for each in view.messages
        ),
        tools=tuple(ShownTool(name=each.spec.name, tokens=each.tokens) for each in view.tools),
        tokens=ShownTokens.of(tokens),
        left_out=tuple(_left_out(each) for each in view.left_out),
    )


def _left_out(each: LeftOut) -> NotShown:
    return NotShown(reason=each.reason, id=each.message_id, first=each.first, last=each.last, tokens=each.tokens)
