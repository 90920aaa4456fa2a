"""The contract of journals: search. Whatever is committed is found, and what is gone is not."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Any

import journal_store
import pytest
from journal_store import BOUNDED, Store, fence_of, name_of, note, opened
from world import T0, create, decided

from models.commands import (
    AppendDelta,
    ArchiveContext,
    BeginStream,
    DeleteSession,
    FinalizeStream,
    FinishRun,
    Fork,
    RenameSession,
    RestoreSession,
    SwitchBranch,
    UnarchiveContext,
)
from models.errors import InvalidArgument
from models.events import MessageUpdated
from models.ids import EpochMs, iso
from models.payloads import ToolResultPayload
from models.search import INDEXED_MAX_CHARS
from services.engine.context import Context
from services.search.query import RANKED, WINDOWS_MAX, SearchQuery

MINUTE = 60_000


store = journal_store.store


class Talk:
    """A session and a counter of its messages' ids."""

    def __init__(self, store: Store, context: Context) -> None:
        self.store = store
        self.context = context
        self.ids = (f"{context.session_id}{number}" for number in count(1))

    async def say(self, *texts: str, minute: int = 0, **changes: Any) -> None:
        at = iso(T0 + minute * MINUTE)
        first = self.context.pool_count + 1
        notes = [
            note(number, text, id=next(self.ids), created_at_utc=at, **changes)
            for number, text in enumerate(texts, first)
        ]
        self.context = await self.store.emit(self.context, *notes)

    async def do(self, *commands: Any) -> None:
        self.context = await self.store.do(self.context, *commands)


async def talk(store: Store, session_id: str = "s", title: str = "") -> Talk:
    return Talk(store, await store.session(session_id, title))


# Words
async def test_all_words_have_to_be_there_in_whatever_order_case_and_accent(store: Store) -> None:
    session = await talk(store)
    await session.say("The Café opens at nine", "a cafe, closed", "nine to five", "Straße und CAFÉ, neun")
    assert set(await store.found("cafe ")) == {"s1", "s2", "s4"}
    assert await store.found("nine CAFE ") == ["s1"]
    assert await store.found("strasse ") == ["s4"]
    assert await store.found("caf ") == []


async def test_points_strokes_and_the_colour_of_a_hand_do_not_matter_and_emoji_are_words(store: Store) -> None:
    session = await talk(store, title="Łódź 🚀")
    await session.say("שָׁלוֹם עוֹלָם", "السَّلَامُ عَلَيْكُم", "Đorđe und Øyvind", "\u0131rmak", "gut👍🏽 ❤️", "🇩🇪")
    for query, found in (
        ("שלום ", "s1"),
        ("עוֹלם ", "s1"),
        ("السلام ", "s2"),
        ("عَلَيكم ", "s2"),
        ("dorde ", "s3"),
        ("oyvind ", "s3"),
        ("irmak ", "s4"),
        ("👍", "s5"),
        ("👍🏿 gut", "s5"),
        ("❤", "s5"),
        ("🇩🇪", "s6"),
    ):
        assert await store.found(query) == [found], query
    assert await store.found("lodz ") == await store.found("🚀") != []
    assert await store.found("gut -👍 ") == []


async def test_quotes_want_the_words_next_to_each_other(store: Store) -> None:
    session = await talk(store)
    await session.say("open the red door", "the door is red, open it", "red\n\ndoor")
    assert set(await store.found('"red door"')) == {"s1", "s3"}
    assert await store.found("“the door” red") == ["s2"]
    assert await store.found('open "red door') == ["s1"]


async def test_a_minus_leaves_out(store: Store) -> None:
    session = await talk(store)
    await session.say("apples and pears", "apples and plums", "apples alone")
    assert await store.found("apples -pears -plums") == ["s3"]
    assert set(await store.found('apples -"and plums"')) == {"s1", "s3"}
    assert set(await store.found("apples -pl*")) == {"s1", "s3"}
    assert await store.found("-x apples- pears") == ["s1"]


async def test_the_last_word_counts_as_a_beginning_while_it_is_typed(store: Store) -> None:
    session = await talk(store)
    await session.say("deployment notes", "we deploy tomorrow", "the last depth")
    assert set(await store.found("deploy")) == {"s1", "s2"}
    assert await store.found("deploy ") == ["s2"]
    assert await store.found('"deploy"') == ["s2"]
    assert set(await store.found("dep* ")) == {"s1", "s2", "s3"}
    assert await store.found("notes dep") == ["s1"]
    assert await store.found("d") == [], "one letter is a word, not a beginning"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("数据", ["s1"]),
        ("据", ["s1"]),
        ("数库", []),
        ("数据库 接口", ["s1"]),
        ("api接口", ["s1"]),
        ("API", ["s1"]),
        ("カメラ", ["s2"]),
        ("ｶﾒﾗ", ["s2"]),
        ("メ", ["s2"]),
        ("写真を", ["s2"]),
        ("서버", ["s3"]),
        ("ABC１２３", ["s4"]),  # noqa: RUF001 -- full-width forms are meant
        ("ไทย", ["s5"]),
        ("हिन्दी", ["s6"]),
        ("елка", ["s7"]),
        ('"数据 库"', ["s1"]),
        ("接口 -数据", []),
    ],
)
async def test_other_scripts_are_found_by_any_part_of_a_run(store: Store, query: str, found: list[str]) -> None:
    session = await talk(store)
    texts = [
        "数据库的API接口",
        "カメラで写真を撮る",
        "서버가 느려요",
        "Ａｂｃ123",  # noqa: RUF001 -- full-width forms are meant
        "ภาษาไทยง่าย",
        "हिन्दी में",
        "Ёлка",
    ]
    await session.say(*texts)
    assert await store.found(query) == found


async def test_what_is_no_word_parts_words_and_what_is_invisible_does_not(store: Store) -> None:
    session = await talk(store)
    await session.say("snake_case, don't-stop\tNOW!", "co\u00adoperate \u202eevil\u202c", "e\u0301te\u0301")
    assert await store.found("case dont stop now") == []
    assert await store.found("snake_case don't") == ["s1"]
    assert await store.found("cooperate evil") == ["s2"]
    assert await store.found("été") == ["s3"]


@pytest.mark.parametrize(
    "query", ["", " ", "-", '""', "***", "!?", "-word", '-"a b"', "\u200d", "-- --x", "→©", "(((((", "%_"]
)
async def test_a_question_without_a_word_is_refused(store: Store, query: str) -> None:
    with pytest.raises(InvalidArgument, match="at least one word") as refused:
        await store.search.find(SearchQuery(query))
    assert refused.value.details["field"] == "q"


@pytest.mark.parametrize(
    "query",
    [
        'a" OR "b',
        "a AND b OR NOT c NEAR(d, 2)",
        "text:a",
        "{text scope}: a",
        "^a",
        "a + b",
        "a*b*",
        "a(",
        "'; DROP TABLE search_text; --",
        "a\\",
        "a;b",
        "scope:t",
        "AND",
        "NOT",
        '"a"*"b"*',
        "a " * 128,
        "-a " * 84 + "word",
        "x" * 256,
        '"' * 255 + "a",
        "\u202ea",
        "ﷺ" * 256,
        "\U0010fffd a",
    ],
)
async def test_hostile_questions_are_only_words(store: Store, query: str) -> None:
    session = await talk(store, title="a title")
    await session.say("something else")
    assert await store.found(query) in ([], ["s*"])
    assert await store.found("something") == ["s1"]


# What is indexed
async def test_a_reply_is_found_once_it_is_complete(store: Store) -> None:
    context = await store.running()
    fence = fence_of(context)
    context = await store.do(
        context, BeginStream(fence, "reply", "assistant", "m"), AppendDelta(fence, "reply", "zebras ")
    )
    assert await store.found("zebras") == []
    context = await store.do(context, AppendDelta(fence, "reply", "graze"), FinalizeStream(fence, "reply", "stop"))
    assert await store.found("zebras graze") == ["reply"]
    await store.do(context, FinishRun(fence, seen=9))
    assert await store.found("first") != []


async def test_a_title_is_found_under_its_newest_name_alone(store: Store) -> None:
    session = await talk(store, title="Oaks")
    assert await store.found("oaks") == ["s*"]
    await session.do(RenameSession("Birches"), RenameSession("Willows"))
    assert await store.found("oaks") == await store.found("birches") == []
    assert await store.found("willows") == ["s*"]
    await session.do(RenameSession("!?"))
    assert await store.found("willows") == []


async def test_an_updated_header_leaves_its_message_found_once(store: Store) -> None:
    session = await talk(store)
    await session.say("steady")
    message = (await store.reads.messages("s", ["s1"]))[0]
    await store.emit(session.context, MessageUpdated(message=message.model_copy(update={"status": "cancelled"})))
    assert await store.found("steady") == ["s1"]


async def test_the_output_of_a_tool_is_found_as_far_as_it_is_indexed(store: Store) -> None:
    session = await talk(store)
    output = "visible " + "x" * INDEXED_MAX_CHARS + " beyond"
    payload = ToolResultPayload(call_id="c", name="run", status="ok", output=output, duration_ms=1)
    await session.say(output, kind="tool_result", message_type="tool", payload=payload)
    assert await store.found("visible", kinds=("tool_result",)) == ["s1"]
    assert await store.found("beyond") == []


async def test_a_deleted_session_is_not_found_until_it_is_restored(store: Store) -> None:
    session = await talk(store, title="Heron")
    await session.say("heron")
    await session.do(DeleteSession())
    assert await store.found("heron") == []
    await session.do(RestoreSession())
    assert await store.found("heron") == ["s*", "s1"]


async def test_a_purged_session_leaves_the_index_and_its_neighbours_in_it(store: Store) -> None:
    for session_id in ("s", "t"):
        session = await talk(store, session_id, "Otter")
        await session.say(*["otter"] * 3)
        if session_id == "s":
            gone = session
    await gone.do(DeleteSession())
    await store.journal.purge("s")
    assert set(await store.found("otter")) == {"t*", "t1", "t2", "t3"}
    again = await talk(store, "s", "new life")
    await again.say("badger")
    assert await store.found("badger") == ["s1"]
    assert set(await store.found("otter")) == {"t*", "t1", "t2", "t3"}


# Answers
async def test_a_result_says_where_it_is(store: Store) -> None:
    other = (await store.projects.create("Zoo")).id
    append = decided("s", None, create(other, "Giraffes"), now=T0)
    assert append is not None
    session = Talk(store, await store.put("s", append))
    await session.say("hello", "the giraffe's neck", minute=5)
    title, message = (await store.search.find(SearchQuery("giraffe"))).results
    assert title.to_wire() == {
        "type": "title",
        "session": {
            "id": "s",
            "projectId": other,
            "projectName": "Zoo",
            "title": "Giraffes",
            "state": "IDLE",
            "archived": False,
            "updatedAtUtc": (await store.reads.session("s")).updated_at_utc,
        },
        "messageId": None,
        "position": None,
        "role": None,
        "kind": None,
        "createdAtUtc": iso(T0),
        "snippet": [{"text": "Giraffes", "match": True}],
    }
    assert message.session == title.session
    assert (message.message_id, message.position, message.role, message.kind) == ("s2", 2, "system", "text")
    assert message.created_at_utc == iso(T0 + 5 * MINUTE)
    assert [fragment.text for fragment in message.snippet if fragment.match] == ["giraffe"]


async def test_positions_are_those_of_the_active_branch(store: Store) -> None:
    session = await talk(store)
    await session.say("moss one", "moss two", "moss three")
    await session.do(Fork("side", "main", 1, switch=True))
    await session.say("moss four", "moss five")
    await session.do(Fork("deeper", "side", 2, switch=True))
    await session.say("moss six")
    assert await positions(store) == {"s1": 1, "s2": None, "s3": None, "s4": 2, "s5": None, "s6": 3}
    await session.do(SwitchBranch("side", 3, ()))
    assert await positions(store) == {"s1": 1, "s2": None, "s3": None, "s4": 2, "s5": 3, "s6": None}
    await session.do(SwitchBranch("main", 3, ()))
    assert await positions(store) == {"s1": 1, "s2": 2, "s3": 3, "s4": None, "s5": None, "s6": None}


async def positions(store: Store) -> dict[str, int | None]:
    page = await store.search.find(SearchQuery("moss"))
    return {name_of(result): result.position for result in page.results}


async def test_more_of_the_words_in_less_text_ranks_higher_and_titles_come_first(store: Store) -> None:
    session = await talk(store, title="A lynx among much else, told at length")
    await session.say("lynx " + "and so on " * 40, "lynx lynx lynx", "something else", "a lynx in a short text")
    assert await store.found("lynx") == ["s*", "s2", "s4", "s1"]


async def test_newest_and_oldest_go_by_time_and_mix_titles_with_messages(store: Store) -> None:
    late = await talk(store, "late", "")
    await late.say("newt", minute=3)
    await late.say("newt", "newt", minute=1)
    await (await talk(store, "pond", "newt")).say("newt", minute=2)
    assert await store.found("newt", sort="oldest") == ["pond*", "late2", "late3", "pond1", "late1"]
    assert await store.found("newt", sort="newest") == ["late1", "pond1", "late3", "late2", "pond*"]


# Filters
async def test_filters_narrow_what_is_found(store: Store) -> None:
    other = (await store.projects.create("Other")).id
    append = decided("o", None, create(other, "Teal"), now=T0)
    assert append is not None
    elsewhere = Talk(store, await store.put("o", append))
    await elsewhere.say("teal", role="agent", kind="streaming_response", payload=None)
    here = await talk(store, "h", "Teal")
    await here.say("teal", role="user", minute=10)
    running = await store.running("r")
    await Talk(store, running).say("teal", minute=20)
    everything = {"o*", "o1", "h*", "h1", "r1"}

    async def found(**asked: Any) -> set[str]:
        return set(await store.found("teal", **asked))

    assert await found() == everything
    assert await found(project_id=other) == {"o*", "o1"}
    assert await found(project_id="nobody") == set()
    assert await found(roles=("user",)) == {"h1"}
    assert await found(roles=("user", "agent")) == {"h1", "o1"}
    assert await found(kinds=("text",)) == {"h1", "r1"}
    assert await found(kinds=("streaming_response", "plan"), roles=("agent",)) == {"o1"}
    assert await found(states=("RUNNING",)) == {"r1"}
    assert await found(states=("RUNNING", "IDLE")) == everything
    assert await found(since=EpochMs(T0 + 10 * MINUTE)) == {"h1", "r1"}
    assert await found(until=EpochMs(T0 + 10 * MINUTE)) == {"o*", "o1", "h*"}
    assert await found(since=EpochMs(T0 + 10 * MINUTE), until=EpochMs(T0 + 10 * MINUTE + 1)) == {"h1"}
    assert await found(since=EpochMs(-(2**60)), until=EpochMs(2**62)) == everything
    await here.do(ArchiveContext())
    assert await found(archived=True) == {"h*", "h1"}
    assert await found(archived=False) == everything - {"h*", "h1"}
    assert await found(archived=None) == everything
    await here.do(UnarchiveContext())
    assert await found(archived=False) == everything


# Pages
@pytest.mark.parametrize("sort", ["relevance", "newest", "oldest"])
async def test_pages_follow_each_other_without_gap_and_repetition(store: Store, sort: Any) -> None:
    session = await talk(store, title="Wren")
    for minute in range(5):
        await session.say(*(f"wren {'x ' * number}" for number in range(5)), minute=minute // 2)
    whole = await store.found("wren", sort=sort, take=100)
    assert len(whole) == len(set(whole)) == 26
    paged: list[str] = []
    cursor: str | None = None
    while True:
        page = await store.search.find(SearchQuery("wren", sort=sort, take=4, cursor=cursor))
        assert len(page.results) == 4 or not page.has_more
        paged += [name_of(result) for result in page.results]
        cursor = page.cursor
        if cursor is None:
            break
        if sort != "oldest":
            await session.say("wren wren wren", minute=9)  # what comes meanwhile moves nothing
    assert paged == whole


async def test_a_cursor_of_another_question_is_refused(store: Store) -> None:
    session = await talk(store, title="Crane")
    await session.say(*["crane"] * 4)
    query = SearchQuery("crane", take=2, roles=("system",))
    page = await store.search.find(query)
    assert page.cursor is not None
    for asked in (
        SearchQuery("cranes", roles=("system",), cursor=page.cursor),
        SearchQuery("crane", cursor=page.cursor),
        SearchQuery("crane", roles=("system",), sort="newest", cursor=page.cursor),
        *(SearchQuery("crane", cursor=bad) for bad in ("", "x", "WyIiLDFd", "e30", "bnVsbA", page.cursor[:-3], "\x00")),
    ):
        with pytest.raises(InvalidArgument) as refused:
            await store.search.find(asked)
        assert refused.value.details == {"field": "cursor"}
    more = await store.search.find(SearchQuery("crane", take=50, roles=("system",), cursor=page.cursor))
    assert [name_of(result) for result in more.results] == ["s2", "s1"]
    assert more.cursor is None


async def test_a_word_in_very_many_messages_is_paged_beyond_what_is_ranked_together(store: Store) -> None:
    session = await talk(store)
    total = 2 * RANKED + 10
    await session.say(*["common"] * total)
    for sort in ("relevance", "newest", "oldest"):
        seen, cursor, pages = list[str](), None, 0
        while pages == 0 or cursor is not None:
            page = await store.search.find(SearchQuery("common", sort=sort, take=100, cursor=cursor))
            seen += [name_of(result) for result in page.results]
            cursor, pages = page.cursor, pages + 1
        assert len(seen) == len(set(seen)) == total
        assert pages == 21


@pytest.mark.parametrize("kind", BOUNDED)
async def test_a_search_that_filters_next_to_everything_away_goes_on_by_its_cursor(kind: str, tmp_path: Path) -> None:
    """A page looks at a bounded number of matches."""
    async with opened(kind, tmp_path) as store:
        await (await talk(store, "wanted")).say("rush", minute=-1)
        hidden = await talk(store, "hidden")
        for _ in range(WINDOWS_MAX * RANKED // 500 + 1):
            await hidden.say(*["rush"] * 500)
        await hidden.do(ArchiveContext())
        first = await store.search.find(SearchQuery("rush", archived=False, sort="newest"))
        assert (first.results, first.has_more) == ((), True)
        rest = await store.search.find(SearchQuery("rush", archived=False, sort="newest", cursor=first.cursor))
        assert [name_of(result) for result in rest.results] == ["wanted1"]
        assert not rest.has_more
        for _ in range((WINDOWS_MAX - 1) * RANKED // 500 + 1):
            await hidden.say(*["brook"] * 500)
        nothing = await store.search.find(SearchQuery("brook", archived=False, sort="newest"))
        assert (nothing.results, nothing.has_more) == ((), False)


async def test_a_search_finds_in_visible_projects_alone(store: Store) -> None:
    other = (await store.projects.create("Other")).id
    await store.emit(await store.session("mine", "words"), note(1, "words"))
    append = decided("theirs", None, create(other, "words"))
    assert append is not None
    await store.put("theirs", append)
    assert set(await store.found("words")) == {"mine*", "n1", "theirs*"}
    assert await store.found("words", visible=frozenset({other})) == ["theirs*"]
    assert set(await store.found("words", visible=frozenset({store.project_id}))) == {"mine*", "n1"}
    assert await store.found("words", visible=frozenset()) == []
    assert await store.found("words", visible=frozenset({other}), project_id=store.project_id) == []
    assert await store.found("words", visible=frozenset({other}), project_id=other) == ["theirs*"]
