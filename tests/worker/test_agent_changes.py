"""What may change while an agent works: its concurrency, a pause, what it serves."""

from __future__ import annotations

from hirehall.runners.port import Success
from tests.worker.scripted_hall import delivery
from tests.worker.stage import Stage, played


@played(concurrency=4)
async def test_j4_4_then_2_then_6_and_a_pause_take_effect_and_running_jobs_finish(it: Stage) -> None:
    await it.hire()
    running = await it.start(*(delivery(str(n)) for n in range(4)))
    it.agent.set_concurrency(2)
    assert (await it.peer.expect("credit"))["credit"] == 2
    it.agent.pause()
    assert (await it.peer.expect("credit"))["credit"] == 0
    it.agent.set_concurrency(6)
    assert (await it.peer.expect("credit"))["credit"] == 0, "still paused"
    assert all(execution.stops == [] for execution in running), "lowering takes nothing back"
    it.agent.resume()
    assert (await it.peer.expect("credit"))["credit"] == 6
    for execution in running:
        execution.end(Success(b"1"))
    done = await it.peer.expect("done")
    assert len(done["jobs"]) == 4
    it.peer.ok(done)
    it.agent.drain()
    assert (await it.peer.expect("credit"))["credit"] == 0
    it.peer.ok(await it.peer.expect("bye"))
    await it.over()


@played()
async def test_the_hall_may_set_its_concurrency(it: Stage) -> None:
    await it.hire()
    it.peer.say({"set": {"credit": 6}})
    assert (await it.peer.expect("credit"))["credit"] == 6
    it.peer.cut()
    await it.rehire()
    assert (await it.peer.expect("work"))["credit"] == 6, "and it stays so"


@played()
async def test_the_hall_may_tell_it_to_stop_at_once(it: Stage) -> None:
    await it.hire()
    (running,) = await it.start(delivery("01"))
    it.peer.say({"stop": {"id": "", "attempt": 0, "why": "stop"}})
    assert (await it.peer.until("release"))["id"] == "01"
    assert running.stops == ["draining", "quit"]
    it.peer.ok(await it.peer.expect("bye"))
    await it.over()


@played()
async def test_other_queues_and_offers_are_said_at_once(it: Stage) -> None:
    await it.hire()
    it.agent.serve(queues=["a", "b"], offers={"gpu": 2})
    work = await it.peer.expect("work")
    assert (work["queues"], work["offers"]) == (["a", "b"], {"gpu": 2})
