"""The example workflow runs as it is, over the codebase tools of a small folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from workflow_world import WorkflowShop, statuses, steps_of, workflow_shop

from services.llm.scripted import Finish, Say
from services.tools.builtin import BUILTIN
from services.tools.workspace import Workspace
from services.workflows.loading import load_folder

FOLDER = Path(__file__).parent / "workflows"
HUB = "class Hub:\n    def open(self) -> None: ...\n"
MAIN = "from hub import Hub\n\nHub().open()\n"


async def _tour(shop: WorkflowShop, **given: Any) -> tuple[dict[str, str], str]:
    payload = await shop.run("tour", **given)
    outputs = {name: step["output"] for name, step in steps_of(payload).items()}
    return outputs | {"statuses": " ".join(statuses(payload).values())}, payload.result or ""


async def test_the_tour_shows_where_a_name_is_defined_and_used(tmp_path: Path) -> None:
    (tmp_path / "hub.py").write_text(HUB)
    (tmp_path / "main.py").write_text(MAIN)
    definitions = load_folder(FOLDER, {tool.name for tool in BUILTIN})
    script = (Say("A hub, hub.py:1."), Finish())
    async with workflow_shop(
        *definitions.values(), tools=BUILTIN, script=script, workspace=Workspace(tmp_path)
    ) as shop:
        outputs, result = await _tour(shop, name="Hub")
        assert "hub.py" in outputs["files"]
        assert "main.py" in outputs["files"]
        assert outputs["defined"].startswith("hub.py:1:")
        assert "main.py:3: Hub().open()" in outputs["used"]
        assert "open" in outputs["outlined"]
        assert result == "A hub, hub.py:1."
        asked = shop.provider.requests[-1].messages[0].content
        assert "main.py:3" in asked
        assert "Its file: hub.py:1" in asked

        outputs, _ = await _tour(shop, name="Gone")
        assert outputs["statuses"] == "done done done done skipped done"
        outputs, _ = await _tour(shop, name="Hub", outline=False)
        assert outputs["statuses"] == "done done done done skipped done"
