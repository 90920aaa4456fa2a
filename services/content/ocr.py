"""Reads the text in an image with Tesseract (extra "ocr", and the program itself). Blocks: call it in a thread."""

from __future__ import annotations

import io

from models.text import cleaned
from services.extras import is_installed, why_not

TIMEOUT_S = 20.0

PIXELS_MAX = 25_000_000
"""A small file can unpack to gigabytes; a scanned page at 300 dpi has 9 million."""
_TOO_LARGE = f"The image has more than {PIXELS_MAX // 1_000_000} million pixels: scale it down"


class OcrUnavailable(Exception):
    """What is missing, and how to get it."""


def read_text(data: bytes, *, languages: str = "eng", timeout_s: float = TIMEOUT_S) -> str:
    """The text, maybe empty. Raises OcrUnavailable, and ValueError for what can't be read or takes too long."""
    try:
        import pytesseract  # type: ignore[import-untyped]
        from PIL import Image
    except Exception as error:
        missing = next((package for package in ("PIL", "pytesseract") if not is_installed(package)), "pytesseract")
        raise OcrUnavailable(f"OCR is not possible: {why_not(error, missing, 'parley-hub[ocr]')}") from error
    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "GIF", "WEBP")) as image:
            if image.width * image.height > PIXELS_MAX:
                raise ValueError(_TOO_LARGE)
            page = image.convert("RGB")
        return cleaned(str(pytesseract.image_to_string(page, lang=languages, timeout=timeout_s))).strip()
    except pytesseract.TesseractNotFoundError:
        raise OcrUnavailable("OCR needs Tesseract; install the package tesseract-ocr") from None
    except pytesseract.TesseractError as error:
        raise OcrUnavailable(f"Tesseract failed: {str(error.message)[:200]}") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ValueError(_TOO_LARGE) from None
    except (OSError, SyntaxError):
        raise ValueError("The image is damaged") from None
    except RuntimeError:
        raise ValueError(f"Reading the image's text took longer than {timeout_s:g} s") from None
