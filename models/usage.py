"""What a model request cost, in tokens."""

from __future__ import annotations

from models.wire import Wire


class Usage(Wire):
    """Tokens read and written. `estimated` is true where the provider reported nothing."""

    input_tokens: int = 0
    output_tokens: int = 0
    estimated: bool = False

    def plus(self, other: Usage) -> Usage:
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            estimated=self.estimated or other.estimated,
        )
