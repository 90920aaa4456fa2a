"""The open session in the page: its head, what is written and sent, the queue, plan and pins, who is there."""

from __future__ import annotations

import base64
import random
import struct
import zlib
from pathlib import Path
from typing import Any, Literal

import pytest
from page_world import (
    another_tab,
    await_end,
    choose,
    get,
    open_new_session,
    reply_of,
    say,
    session_of,
    two_tabs,
    watched_context,
    words_of,
)
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect
from server_process import ROOT, ServerProcess, serving

pytestmark = [pytest.mark.browser, pytest.mark.slow]

AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"

# One red pixel.
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
)

DROP = """([zone, files]) => {
    const transfer = new DataTransfer();
    for (const { name, type, data } of files) {
        const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
        transfer.items.add(new File([bytes], name, { type }));
    }
    for (const kind of ["dragenter", "dragover", "drop"]) {
        zone.dispatchEvent(new DragEvent(kind, { dataTransfer: transfer, bubbles: true, cancelable: true }));
    }
}"""

File = tuple[str, str, bytes]


def test_who_renames_second_is_told_and_may_insist(server: ServerProcess, context: BrowserContext) -> None:
    first, second = two_tabs(server, context)
    first.get_by_test_id("session-title").dblclick()
    _rename(server, first, "Theirs")
    expect(second.get_by_test_id("session-title")).to_have_text("Theirs")
    first.get_by_test_id("title-input").fill("Mine")
    first.get_by_test_id("title-input").press("Enter")
    expect(first.get_by_test_id("title-beaten")).to_contain_text("Renamed meanwhile to “Theirs”")
    expect(first.get_by_test_id("session-title")).to_have_text("Theirs")
    first.get_by_test_id("title-beaten").get_by_role("button", name="Use mine").click()
    for tab in (first, second):
        expect(tab.get_by_test_id("session-title")).to_have_text("Mine")


def test_the_state_line_says_what_is_going_on_and_for_how_long(server: ServerProcess, context: BrowserContext) -> None:
    page = open_new_session(server, context)
    expect(page.get_by_test_id("state-line")).to_have_text("idle")
    say(page, "/long 80")
    expect(page.get_by_test_id("state-line")).to_have_text("streaming")
    expect(page.get_by_test_id("elapsed")).to_have_text(" · 2 s")
    page.reload()
    expect(page.get_by_test_id("elapsed")).to_contain_text(" s")
    await_end(page, "COMPLETED")
    expect(page.get_by_test_id("elapsed")).to_have_count(0)


def test_the_token_meter_tells_what_the_server_counted(server: ServerProcess, context: BrowserContext) -> None:
    page = open_new_session(server, context)
    say(page, "/long 20")
    await_end(page, "COMPLETED")
    usage = get(server, f"/api/contexts/{session_of(page)}/metadata")["usage"]
    page.get_by_test_id("token-meter").click()
    details = page.get_by_test_id("token-details")
    expect(details).to_contain_text(f"Read (input)≈ {usage['inputTokens']:,}")
    expect(details).to_contain_text(f"Written (output)≈ {usage['outputTokens']:,}")
    expect(details).to_contain_text("Window of the model32,768")


def test_two_tabs_of_one_user_are_one_person_who_is_seen_typing(server: ServerProcess, context: BrowserContext) -> None:
    first, second = two_tabs(server, context)
    second.get_by_test_id("participants").click()
    expect(second.get_by_test_id("people")).to_contain_text("local (you)")
    second.keyboard.press("Escape")
    first.get_by_test_id("composer").press_sequentially("Well")
    expect(second.get_by_test_id("typing")).to_have_text("You are typing in another window…")
    expect(first.get_by_test_id("typing")).to_have_text("")
    first.get_by_test_id("composer").fill("")
    expect(second.get_by_test_id("typing")).to_have_text("")


def test_a_draft_survives_a_reload_and_another_session(server: ServerProcess, context: BrowserContext) -> None:
    page = open_new_session(server, context)
    address = page.url
    page.get_by_test_id("composer").fill("Half a thought\nand a line")
    page.reload()
    expect(page.get_by_test_id("composer")).to_have_value("Half a thought\nand a line")
    page.get_by_test_id("new-session").click()
    expect(page.get_by_test_id("composer")).to_have_value("")
    page.goto(address)
    expect(page.get_by_test_id("composer")).to_have_value("Half a thought\nand a line")


def test_what_waits_is_listed_everywhere_and_each_can_be_taken_out(
    server: ServerProcess, context: BrowserContext
) -> None:
    first, second = two_tabs(server, context)
    say(first, "/long 400")
    expect(reply_of(first)).to_have_attribute("data-status", "streaming")
    say(first, "Then this")
    say(first, "/long 2")
    for tab in (first, second):
        expect(tab.get_by_test_id("queued")).to_have_text(["Then this", "/long 2"])
    second.get_by_test_id("queued").first.get_by_role("button").click()
    for tab in (first, second):
        expect(tab.get_by_test_id("queued")).to_have_text(["/long 2"])
    first.get_by_test_id("composer").focus()
    first.keyboard.press("Escape")
    expect(first.get_by_test_id("typing")).to_contain_text("Press Esc once more")
    assert _session(server, first)["state"] == "RUNNING"
    first.keyboard.press("Escape")
    await_end(second, "CANCELLED")
    expect(second.get_by_test_id("queue")).to_have_count(0)


def test_while_a_run_is_at_work_a_message_interrupts_or_steers_it(
    server: ServerProcess, context: BrowserContext
) -> None:
    page = open_new_session(server, context)
    say(page, "/long 2000")
    expect(words_of(page)).to_contain_text("10")
    choose(page, "on-busy", "interrupt")
    expect(page.get_by_test_id("send")).to_have_text("Interrupt")
    say(page, "/long 3")
    await_end(page, "COMPLETED")
    expect(page.locator('[data-testid="message"][data-status="cancelled"]')).to_have_count(1)
    say(page, "/long 40")
    expect(reply_of(page)).to_have_attribute("data-status", "streaming")
    choose(page, "on-busy", "steer")
    say(page, "/long 4")
    await_end(page, "COMPLETED")
    runs = get(server, f"/api/sessions/{session_of(page)}/runs")["runs"]
    assert len(runs) == 3, "a message that steers starts no run of its own"


def test_a_dropped_image_and_text_file_go_along_in_one_run(server: ServerProcess, context: BrowserContext) -> None:
    page = open_new_session(server, context)
    _drop(page, ("dot.png", "image/png", PIXEL), ("notes.py", "text/x-python", b"print('```')\n"))
    expect(page.get_by_test_id("attachment")).to_have_count(2)
    expect(page.get_by_test_id("attachment").nth(1)).to_contain_text("1 line")
    say(page, "What are these?")
    expect(page.get_by_test_id("attachments")).to_have_count(0)
    await_end(page, "COMPLETED")
    [asked] = [message for message in _messages(server, page) if message["role"] == "user"]
    assert asked["kind"] == "image"
    assert base64.b64decode(asked["payload"]["data"]) == PIXEL
    assert asked["content"] == "What are these?\n\nnotes.py:\n```py\nprint('```')\n```"
    assert len(get(server, f"/api/sessions/{session_of(page)}/runs")["runs"]) == 1


def test_several_images_are_answered_by_one_run(server: ServerProcess, context: BrowserContext) -> None:
    page = open_new_session(server, context)
    _drop(page, ("one.png", "image/png", PIXEL), ("two.png", "image/png", PIXEL))
    expect(page.get_by_test_id("attachment")).to_have_count(2)
    say(page, "/long 20")
    expect(page.get_by_test_id("outgoing")).to_have_count(0)
    await_end(page, "COMPLETED")
    kinds = [(m["kind"], m["content"]) for m in _messages(server, page) if m["role"] == "user"]
    assert kinds == [("image", ""), ("image", "/long 20")]
    assert len(get(server, f"/api/sessions/{session_of(page)}/runs")["runs"]) == 1


def test_a_large_image_is_made_small_enough_to_travel(server: ServerProcess, context: BrowserContext) -> None:
    page = open_new_session(server, context)
    image = _noise(1200, 900)
    assert len(image) > 1_000_000
    _pick(page, ("noise.png", "image/png", image))
    expect(page.get_by_test_id("attachment")).to_contain_text("scaled down")
    page.get_by_test_id("send").click()
    await_end(page, "COMPLETED")
    sent = base64.b64decode(_messages(server, page)[0]["payload"]["data"])
    assert sent.startswith(b"\xff\xd8\xff")
    assert len(sent) <= 600_000


def test_what_cannot_go_along_is_named(server: ServerProcess, context: BrowserContext) -> None:
    page = open_new_session(server, context)
    error = page.get_by_test_id("attachment-error")
    _pick(page, ("program.bin", "application/octet-stream", b"\x00\x01\xff"))
    expect(error).to_contain_text("program.bin is neither an image that models take nor a text file")
    _pick(page, ("huge.txt", "text/plain", b"a" * 500_000))
    expect(error).to_contain_text("huge.txt is too large")
    _pick(page, ("broken.png", "image/bmp", b"no image"))
    expect(error).to_contain_text("broken.png could not be read as an image")
    _pick(page, ("fine.txt", "text/plain", b"fine"))
    expect(error).to_have_count(0)
    page.get_by_role("button", name="Remove fine.txt").click()
    expect(page.get_by_test_id("attachment")).to_have_count(0)


def test_lines_of_a_workspace_file_are_read_by_the_server(server: ServerProcess, context: BrowserContext) -> None:
    page = open_new_session(server, context)
    choose(page, "attach", "reference")
    dialog = page.get_by_test_id("reference-dialog")
    dialog.get_by_label("Path in the workspace").fill("pyproject.toml")
    dialog.get_by_label("From line").fill("1")
    dialog.get_by_label("To line").fill("2")
    dialog.get_by_role("button", name="Attach").click()
    say(page, "What is this?")
    await_end(page, "COMPLETED")
    asked = _messages(server, page)[0]
    assert asked["payload"]["content"].splitlines() == (ROOT / "pyproject.toml").read_text().splitlines()[:2]


def test_a_workflow_is_started_with_what_it_needs(tmp_path: Path, context: BrowserContext) -> None:
    folder = str(ROOT / "tests" / "examples" / "workflows")
    with serving(tmp_path, "--workflows", folder, "--demo-words-per-s", "0") as server:
        workflow = get(server, "/api/workflows")["workflows"][0]
        page = open_new_session(server, context)
        choose(page, "attach", "workflow")
        dialog = page.get_by_test_id("workflow-dialog")
        expect(dialog).to_contain_text(workflow["description"])
        for given in workflow["inputs"]:
            if given["required"]:
                expect(dialog.get_by_test_id("start-workflow")).to_be_disabled()
                dialog.get_by_test_id(f"workflow-{given['name']}").fill("session")
        dialog.get_by_test_id("start-workflow").click()
        expect(dialog).to_have_count(0)
        expect(page.get_by_test_id("message").first).to_be_visible()
        assert any(m["kind"] == "workflow_execution" for m in _until_messages(server, page, "workflow_execution"))


def test_an_archived_session_is_read_only_and_says_so(server: ServerProcess, context: BrowserContext) -> None:
    first, second = two_tabs(server, context)
    say(first, "/long 2")
    await_end(first, "COMPLETED")
    choose(first, "session-menu", "archive")
    for tab in (first, second):
        expect(tab.get_by_test_id("archived")).to_contain_text("can be read, nothing can be said")
        expect(tab.get_by_test_id("composer")).to_be_disabled()
        expect(tab.get_by_test_id("state-line")).to_have_text("archived")
    second.get_by_test_id("archived").get_by_role("button").click()
    for tab in (first, second):
        expect(tab.get_by_test_id("archived")).to_have_count(0)
        expect(tab.get_by_test_id("composer")).to_be_enabled()


def test_the_whole_transcript_is_exported_as_markdown(server: ServerProcess, context: BrowserContext) -> None:
    """More than one page of it."""
    page = open_new_session(server, context)
    path = f"/api/contexts/{session_of(page)}/actions/send_message"
    for number in range(30):
        assert server.request("POST", path, {"content": f"/long {number + 1}"})[0] == 202
    _rename(server, page, "All of it: 1/2")
    await_end(page, "COMPLETED")
    with page.expect_download() as download:
        choose(page, "session-menu", "export")
    assert download.value.suggested_filename == "All-of-it-1-2.md"
    text = Path(download.value.path()).read_text(encoding="utf-8")
    assert text.startswith("# All of it: 1/2\n")
    assert text.count("\n## You · ") == text.count("\n## Agent · ") == 30


def test_plan_and_pins_are_the_same_in_both_tabs(server: ServerProcess, context: BrowserContext) -> None:
    first, second = two_tabs(server, context)
    say(first, "Remember the milk")
    await_end(first, "COMPLETED")
    for tab in (first, second):
        tab.set_viewport_size({"width": 1440, "height": 800})
    first.get_by_test_id("side-toggle").click()
    expect(second.get_by_test_id("side-panel")).to_be_visible()
    first.get_by_label("Add a step").fill("Buy milk")
    first.get_by_label("Add a step").press("Enter")
    expect(_steps(second)).to_have_text(["Buy milk"])
    second.get_by_role("button", name="Status of “Buy milk”").click()
    second.locator('[data-item="done"]').click()
    expect(first.get_by_test_id("plan-item")).to_have_attribute("data-status", "done")
    expect(first.get_by_test_id("plan")).to_contain_text("1 of 1")
    _steps(first).dblclick()
    first.get_by_label("Edit “Buy milk”").first.fill("Buy oat milk")
    first.keyboard.press("Enter")
    expect(_steps(second)).to_have_text(["Buy oat milk"])
    second.get_by_label("Pin a text").fill("No milk of cows")
    second.get_by_label("Pin a text").press("Enter")
    message = first.locator('[data-testid="message"][data-role="user"]').first
    message.hover()
    message.get_by_test_id("message-pin").click()
    for tab in (first, second):
        expect(tab.locator(".pin-text")).to_have_text(["No milk of cows", "Remember the milk"])
    second.get_by_test_id("jump-to-pin").click()
    expect(second).to_have_url(f"{server.url}/#{session_of(second)}/1")
    second.get_by_test_id("unpin").first.click()
    expect(first.locator(".pin-text")).to_have_text(["Remember the milk"])


def test_with_the_other_send_key_enter_breaks_the_line(server: ServerProcess, context: BrowserContext) -> None:
    page = open_new_session(server, context)
    status, _ = server.request("PATCH", "/api/me/state", {"preferences": {"sendKey": "mod-enter"}})
    assert status == 200
    expect(page.locator(".composer-hint")).to_contain_text("Enter breaks the line")
    page.get_by_test_id("composer").fill("/long")
    page.get_by_test_id("composer").press("End")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("composer")).to_have_value("/long\n")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_test_id("composer")).to_have_value("")
    await_end(page, "COMPLETED")


def test_what_is_sent_offline_outlives_a_reload_of_the_page(server: ServerProcess, context: BrowserContext) -> None:
    page = open_new_session(server, context)
    address = page.url
    server.kill()
    say(page, "/long 3")
    expect(page.get_by_test_id("outgoing")).to_have_text("/long 3waits for the connectionDiscard")
    server.start()
    page.goto(address)
    await_end(page, "COMPLETED")
    expect(page.get_by_test_id("outgoing")).to_have_count(0)
    assert [m["content"] for m in _messages(server, page) if m["role"] == "user"] == ["/long 3"]


def test_a_message_that_is_refused_says_why_and_can_be_dropped(server: ServerProcess, context: BrowserContext) -> None:
    """Archived elsewhere, while the line was cut."""
    page = open_new_session(server, context)
    context.set_offline(True)
    expect(page.get_by_test_id("connection-state")).to_have_text("offline")
    say(page, "Too late")
    expect(page.get_by_test_id("outgoing")).to_have_attribute("data-state", "queued_offline")
    assert server.request("POST", f"/api/contexts/{session_of(page)}/actions/archive", {})[0] == 200
    context.set_offline(False)
    expect(page.get_by_test_id("outgoing")).to_have_attribute("data-state", "failed")
    expect(page.get_by_test_id("send-again")).to_be_visible()
    page.get_by_test_id("discard").click()
    expect(page.get_by_test_id("outgoing")).to_have_count(0)
    assert _messages(server, page) == []


def test_the_mode_is_switched_in_the_other_tab_too(server: ServerProcess, context: BrowserContext) -> None:
    first = open_new_session(server, context)
    second = another_tab(context, first)
    second.get_by_role("button", name="Plan", exact=True).click()
    for tab in (first, second):
        expect(tab.get_by_test_id("mode-switch")).to_have_attribute("data-mode", "plan")


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 390)])
def test_axe_finds_nothing_in_the_open_session(
    server: ServerProcess, chromium: Browser, scheme: Literal["light", "dark"], width: int
) -> None:
    """What opens from the head, the dialogs, a card, the queue: each as it is then."""
    # The policy of the page would keep axe out, which is not what is looked at here.
    with watched_context(chromium, bypass_csp=True, color_scheme=scheme) as context:
        context.add_init_script(path=AXE)
        page = open_new_session(server, context)
        page.set_viewport_size({"width": width, "height": 900})
        say(page, "/ask")
        expect(page.get_by_test_id("approve-once")).to_be_visible()
        _assert_accessible(page)
        page.get_by_test_id("edit-arguments").click()
        _assert_accessible(page)
        page.get_by_test_id("deny").click()
        await_end(page, "COMPLETED")
        _do(server, page, "set_plan", {"items": [{"id": "1", "text": "Look", "status": "dropped"}]})
        _do(server, page, "pin", {"text": "Always"})
        _do(server, page, "fork", {"name": "other", "switch": False}, 201)
        page.get_by_test_id("side-toggle").click()
        expect(page.get_by_test_id("pins")).to_contain_text("Always")
        _assert_accessible(page)
        if width < 1000:
            page.keyboard.press("Escape")
        for opener in ("branch-picker", "token-meter", "model-switch", "participants", "session-menu", "attach"):
            page.get_by_test_id(opener).click()
            _assert_accessible(page)
            page.keyboard.press("Escape")
        page.get_by_test_id("branch-picker").click()
        page.get_by_test_id("merge-from").click()
        expect(page.get_by_test_id("merge-preview")).to_contain_text("Nothing would be added")
        _assert_accessible(page)
        page.keyboard.press("Escape")
        say(page, "/long 300")
        say(page, "Then this")
        _pick(page, ("notes.py", "text/x-python", b"print(1)\n"))
        expect(page.get_by_test_id("queued")).to_have_count(1)
        _assert_accessible(page)
        page.get_by_test_id("stop").click()
        await_end(page, "CANCELLED")


def _assert_accessible(page: Page) -> None:
    found = page.evaluate(
        """async () => (await axe.run(document, { resultTypes: ["violations"] })).violations
            .map(({ id, impact, nodes }) => `${impact} ${id}: ${nodes.map(({ html }) => html).join(" ")}`)"""
    )
    assert found == []


def _do(server: ServerProcess, page: Page, action: str, body: dict[str, Any], expected: int = 200) -> None:
    status, answer = server.request("POST", f"/api/contexts/{session_of(page)}/actions/{action}", body)
    assert status == expected, answer


def _steps(page: Page) -> Locator:
    return page.locator(".plan-item .plan-text")


def _drop(page: Page, *files: File) -> None:
    given = [{"name": name, "type": kind, "data": base64.b64encode(data).decode()} for name, kind, data in files]
    page.evaluate(DROP, [page.get_by_test_id("session-page").element_handle(), given])


def _pick(page: Page, *files: File) -> None:
    given: Any = [{"name": name, "mimeType": kind, "buffer": data} for name, kind, data in files]
    page.get_by_test_id("file-picker").set_input_files(given)


def _noise(width: int, height: int) -> bytes:
    """A PNG that nothing compresses."""
    pixels = random.Random(1)
    rows = b"".join(b"\0" + pixels.randbytes(3 * width) for _ in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = (b"IHDR", header), (b"IDAT", zlib.compress(rows, 1)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )


def _messages(server: ServerProcess, page: Page) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = get(server, f"/api/sessions/{session_of(page)}/messages?take=200")["messages"]
    return messages


def _until_messages(server: ServerProcess, page: Page, kind: str) -> list[dict[str, Any]]:
    """The messages, once one of that kind is among them on the page's own account: it shows when the run has ended."""
    expect(page.get_by_test_id("state-line")).not_to_have_attribute("data-session-state", "IDLE")
    expect(page.get_by_test_id("state-line")).not_to_have_attribute("data-session-state", "RUNNING")
    return _messages(server, page)


def _session(server: ServerProcess, page: Page) -> dict[str, Any]:
    return get(server, f"/api/sessions/{session_of(page)}")


def _rename(server: ServerProcess, page: Page, title: str) -> None:
    status, answer = server.request("PATCH", f"/api/sessions/{session_of(page)}", {"title": title})
    assert status == 200, answer
