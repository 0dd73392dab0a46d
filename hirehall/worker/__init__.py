"""The agent: a session that works, its runners, the leases in its hand."""
