"""How a worker runs a job: one file per way, all behind the two Protocols of `port.py`."""
