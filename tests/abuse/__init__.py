"""Peers that mean no good, or are too many: what a hall gives them, and what others feel of it (G26 to G30)."""
