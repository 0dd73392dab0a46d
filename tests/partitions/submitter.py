"""A client at the far end of a cable: it submits three jobs, waits for their results, then submits one more.

    python -m tests.partitions.submitter ACKS PAYLOAD

It says on stdout what it has reached: `waiting`, and `done` with the results. Acknowledgements are synced before they
count, as the audit wants them.
"""

from __future__ import annotations

import json
import os
import sys

import hirehall


def main() -> None:
    acks, payload = sys.argv[1], json.loads(sys.argv[2])
    log = os.open(acks, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def submit(hall: hirehall.Hall, name: str, **more: float) -> hirehall.Job:
        job = hall.submit("script", {**payload, **more, "marker": name}, key=name)
        os.write(log, json.dumps({"id": job.id, "key": name, "marker": name}).encode() + b"\n")
        os.fsync(log)
        return job

    with hirehall.connect() as hall:
        jobs = [submit(hall, f"first-{number}") for number in range(3)]
        print("waiting", flush=True)
        results = [job.result() for job in jobs]
        results.append(submit(hall, "last", seconds=0.1).result())
        print(f"done {json.dumps(results)}", flush=True)


if __name__ == "__main__":
    main()
