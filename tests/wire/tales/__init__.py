"""Tales: short sequences of valid commands, many at once in one hall, each checked against a small model."""
