"""A user's own state: what is open, how the page looks, what they prefer. The document as it travels, and the requests
that change it. Never stores it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

import orjson
from pydantic import AfterValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from models.calls import Id, JsonTree, Seq, Text, check_tree
from models.wire import Wire

OPEN_MAX = 200
"""Sessions and tabs that a user may have open."""
STATE_MAX_BYTES = 64 * 1024
CHANGE_MAX_BYTES = 4 * STATE_MAX_BYTES
"""A request that changes it: the largest state with every character escaped, and something around it. To check and
merge what can't fit anyway would hold up the loop and the writer for seconds."""

Theme = Literal["system", "light", "dark"]
FontSize = Literal["small", "medium", "large"]
Language = Literal["auto", "en", "zh"]
UserApprovalPolicy = Literal["default", "manual"]
SendKey = Literal["enter", "mod-enter"]


def _clean_object(value: dict[str, Any]) -> dict[str, Any]:
    check_tree(value)
    return value


def _as_set(ids: tuple[str, ...]) -> tuple[str, ...]:
    """Each once and in one order, so that the same sessions are the same document."""
    return tuple(sorted(set(ids)))


Object = Annotated[dict[str, Any], AfterValidator(_clean_object)]
Sessions = Annotated[tuple[Id, ...], Field(max_length=OPEN_MAX), AfterValidator(_as_set)]
Rank = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Tabs = Annotated[dict[Id, Rank], Field(max_length=OPEN_MAX)]
ModelName = Annotated[Text, Field(min_length=1, max_length=200)]
Flag = Annotated[bool, Field(strict=True)]


class _KeepsUnknown(Wire):
    """Keys that it doesn't know stay: they are a newer client's preferences."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, JsonTree]

    @model_validator(mode="after")
    def _has_clean_keys(self) -> Self:
        for name in self.__pydantic_extra__:
            check_tree(name)
        return self


class Preferences(_KeepsUnknown):
    """`defaultModel` is the model of sessions that the user creates without naming one; null is the server's default.
    `approvalPolicy: "manual"` asks before every tool, whatever the server's policy lets run."""

    theme: Theme = "system"
    font_size: FontSize = "medium"
    language: Language = "auto"
    default_model: ModelName | None = None
    approval_policy: UserApprovalPolicy = "default"
    send_key: SendKey = "enter"
    notifications: Flag = False


class PreferencesPatch(_KeepsUnknown):
    """Null puts a preference back to its default."""

    theme: Theme | None = None
    font_size: FontSize | None = None
    language: Language | None = None
    default_model: ModelName | None = None
    approval_policy: UserApprovalPolicy | None = None
    send_key: SendKey | None = None
    notifications: Flag | None = None


class Sections(Wire):
    """What a user may write. `activeSessions` are open somewhere, in no order; `tabs` have a rank each, the lower the
    further left, equal ones by id; `ui` is the clients' own. Ids of sessions that are gone may be among them."""

    active_sessions: Sessions = ()
    tabs: Tabs = Field(default_factory=dict)
    last_session_id: Id | None = None
    ui: Object = Field(default_factory=dict)
    preferences: Preferences = Preferences()

    @property
    def sections(self) -> Sections:
        """These alone."""
        return Sections.model_construct(**{name: getattr(self, name) for name in Sections.model_fields})

    def without(self, session_id: str) -> Sections:
        """The same, with the session open nowhere."""
        last = None if self.last_session_id == session_id else self.last_session_id
        return self.sections.model_copy(
            update={
                "active_sessions": tuple(each for each in self.active_sessions if each != session_id),
                "tabs": {each: rank for each, rank in self.tabs.items() if each != session_id},
                "last_session_id": last,
            }
        )

    def to_json(self) -> str:
        """The same text for the same document."""
        return orjson.dumps(self.to_wire(), option=orjson.OPT_SORT_KEYS).decode()


class UserState(Sections):
    """Version 0 was never written. A change adds one; going back to the defaults is a change too."""

    version: int = 0
    updated_at_utc: str | None = None


class _Guarded(Wire):
    """A change of the version that the client knows, or of any."""

    expected_version: Seq | None = None

    @model_validator(mode="before")
    @classmethod
    def _leaves_the_servers_alone(cls, data: Any) -> Any:
        for name in ("version", "updatedAtUtc"):
            if isinstance(data, Mapping) and name in data:
                told = "is the server's; leave it out, and name the version that you know as expectedVersion"
                raise PydanticCustomError("extra_forbidden", told, {"field": name})
        return data


class ReplaceUserState(Sections, _Guarded):
    """The whole state: what is left out goes back to its default."""


class PatchUserState(_Guarded):
    """A merge patch (RFC 7396) of the state: null removes a tab, a key, or a whole section."""

    active_sessions: Sessions | None = None
    tabs: Annotated[dict[Id, Rank | None] | None, Field(max_length=2 * OPEN_MAX)] = None
    last_session_id: Id | None = None
    ui: Object | None = None
    preferences: PreferencesPatch | None = None

    @property
    def changes(self) -> dict[str, Any]:
        """The patch as it came, without `expectedVersion`."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude={"expected_version"})


def merge_patch(target: Any, patch: Any) -> Any:
    """RFC 7396 §2; a new value, `target` stays as it is."""
    if not isinstance(patch, Mapping):
        return patch
    merged = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged
