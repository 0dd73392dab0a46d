"""What the workers of a soak do: mostly nothing, sometimes they talk."""

from __future__ import annotations

from hirehall import Retry, job


@job
def echo(payload):
    return payload


@job
def talk(payload, context):
    for line in range(10):
        context.progress(10 * line, f"step {line}")
        context.log(f"line {line}: " + "x" * 100)
    return payload


@job
def stumble(payload, context):
    if context.attempt == 1:
        raise Retry("the first time it stumbles", delay_seconds=0.01)
    return payload
