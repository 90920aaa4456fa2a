"""REST of who is asking, and of what they keep on the server."""

from __future__ import annotations

from models.calls import NoArguments
from models.user_state import PatchUserState, ReplaceUserState, UserState
from services.access import OnUser
from web.rest.answers import Me
from web.rest.queries import VersionQuery
from web.rest.route import Call, NoQuery


async def get_me(call: Call[NoArguments, NoQuery]) -> Me:
    await call.check("read", OnUser(call.principal.user_id))
    return Me(user_id=call.principal.user_id, name=call.principal.name)


async def get_user_state(call: Call[NoArguments, NoQuery]) -> UserState:
    await call.check("read", OnUser(call.principal.user_id))
    return await call.users.state(call.principal.user_id)


async def replace_user_state(call: Call[ReplaceUserState, NoQuery]) -> UserState:
    await call.check("write", OnUser(call.principal.user_id))
    return await call.users.replace(call.principal.user_id, call.body, call.version)


async def patch_user_state(call: Call[PatchUserState, NoQuery]) -> UserState:
    await call.check("write", OnUser(call.principal.user_id))
    return await call.users.patch(call.principal.user_id, call.body, call.version)


async def reset_user_state(call: Call[NoArguments, VersionQuery]) -> UserState:
    await call.check("write", OnUser(call.principal.user_id))
    return await call.users.reset(call.principal.user_id, call.version)
