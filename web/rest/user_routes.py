"""The part of the route table that concerns the user who asks."""

from __future__ import annotations

from dataclasses import replace

from models.calls import NoArguments
from models.errors import UnknownModel
from models.user_state import CHANGE_MAX_BYTES, PatchUserState, ReplaceUserState, UserState
from web.rest import users
from web.rest.answers import Me
from web.rest.queries import VersionQuery
from web.rest.reading import JSON_TYPE
from web.rest.route import NoQuery, Route, route

STATE = "/api/me/state"
NONE = NoArguments

USERS: tuple[Route, ...] = (
    route("GET", "/api/me", users.get_me, NONE, NoQuery, Me, "Who is asking."),
    route(
        "GET",
        STATE,
        users.get_user_state,
        NONE,
        NoQuery,
        UserState,
        "What the user has open and prefers; version 0 was never written.",
        versioned=True,
    ),
    replace(
        route(
            "PUT",
            STATE,
            users.replace_user_state,
            ReplaceUserState,
            NoQuery,
            UserState,
            "Replaces the user's state; what is left out goes back to its default.",
            errors=(UnknownModel,),
            versioned=True,
        ),
        body_limit_bytes=CHANGE_MAX_BYTES,
    ),
    replace(
        route(
            "PATCH",
            STATE,
            users.patch_user_state,
            PatchUserState,
            NoQuery,
            UserState,
            "Merges a patch (RFC 7396) into the user's state; null removes.",
            errors=(UnknownModel,),
            versioned=True,
        ),
        media_types=(JSON_TYPE, "application/merge-patch+json"),
        body_limit_bytes=CHANGE_MAX_BYTES,
    ),
    route(
        "DELETE",
        STATE,
        users.reset_user_state,
        NONE,
        VersionQuery,
        UserState,
        "Puts the user's state back to the defaults.",
        versioned=True,
    ),
)
