// The Node worker of the examples with a kind that naps and leaves marks in the side-effect log.
import { appendFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { work } from "../../examples/worker.mjs";

const { CHAOS_NAME: name, CHAOS_MARKS: marks } = process.env;
const mark = ({ id, attempt }, event) => {
  const seconds = Number(process.hrtime.bigint() / 1000n) / 1e6; // CLOCK_MONOTONIC
  appendFileSync(marks, `${id} ${attempt} ${name} ${event} ${seconds.toFixed(6)}\n`);
};

async function nap(payload, job) {
  mark(job, "start");
  if (payload.poison) {
    mark({ id: "-", attempt: 0 }, "killed");
    process.kill(process.pid, "SIGKILL");
  }
  await setTimeout(payload.ms);
  if (job.attempt <= (payload.fail ?? 0)) {
    mark(job, "fail");
    throw new Error("as told");
  }
  mark(job, "end");
  return { by: [job.attempt, name], marker: payload.marker, ...("pad" in payload && { pad: payload.pad }) };
}

work({ nap }, { name, credit: Number(process.env.CHAOS_CREDIT), lease_seconds: 3 });
