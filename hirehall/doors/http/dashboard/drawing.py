"""Lines of numbers as SVG polylines, in whole units: they are sent again and again."""

from __future__ import annotations

from collections.abc import Sequence

STEP, HEIGHT = 2, 30


def points(values: Sequence[int]) -> str:
    """A line through these values, the highest just below the top, along the ground where all are 0. It begins and ends
    under the ground outside of the picture, so that what is below it can be filled."""
    most = max(values, default=0) or 1
    heights = [HEIGHT - 1 - (HEIGHT - 3) * value // most for value in values] or [HEIGHT - 1]
    line = " ".join(f"{place * STEP},{height}" for place, height in enumerate(heights))
    right = (len(heights) - 1) * STEP + STEP
    return f"-2,{HEIGHT + 2} -2,{heights[0]} {line} {right},{heights[-1]} {right},{HEIGHT + 2}"


def width(values: Sequence[int]) -> int:
    """Of the picture of such a line."""
    return max(len(values) - 1, 1) * STEP
