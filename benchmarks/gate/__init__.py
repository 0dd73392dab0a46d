"""The gate: what each path of the hall costs, against a loop that does the same without a server."""
