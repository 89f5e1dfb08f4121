# SPDX-License-Identifier: Apache-2.0
"""reading.py - what is asked of everything that comes from a file."""
import json
import math
import unicodedata


class Trouble(Exception):
    """A file that cannot be used, and why."""


def number(value):
    """A finite number, or None."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    return value if is_number else None


def dig(document, *keys):
    for key in keys:
        document = document.get(key) if isinstance(document, dict) else None
    return document


def clean(text):
    """Text that no page or terminal takes for something else: without control characters."""
    return "".join("\ufffd" if unicodedata.category(c) in ("Cc", "Cs") else c for c in str(text))


def nfc(text):
    return unicodedata.normalize("NFC", text)


def parse_json(text):
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as e:
        raise Trouble(f"is no JSON: {e}") from e
