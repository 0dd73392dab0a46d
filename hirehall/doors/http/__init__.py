"""The HTTP door. Only `door` is imported at start: what it is made of comes with the first connection."""
