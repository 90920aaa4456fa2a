"""REST of what the server offers and who is asking."""

from __future__ import annotations

from dataclasses import asdict

from models.calls import NoArguments
from web.answers import Me, ModelList, ModelView
from web.route import Call, NoQuery


async def list_models(call: Call[NoArguments, NoQuery]) -> ModelList:
    models = tuple(ModelView(**asdict(info)) for info in call.chat.providers.models())
    return ModelList(models=models, default=call.chat.model)


async def get_me(call: Call[NoArguments, NoQuery]) -> Me:
    return Me(user_id=call.principal.user_id, name=call.principal.name)
