"""How long pages and searches take in a hall that has a million jobs stored."""
