// A worker by `fetch` alone: jobs of kind `words`, some at once; the result is the number of words.
import { randomUUID } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import { ask } from "./hall.mjs";

const kinds = { words: (payload) => String(payload).split(/\s+/).filter(Boolean).length };
const worker = randomUUID(); // what was claimed by this word is this process's own
const most = 4;
const lease_seconds = 60;
const hand = new Map(); // what is claimed and not answered yet

async function answer(id, said) {
  for (;;)
    try {
      return await ask("POST", `/jobs/${id}/${said.error ? "fail" : "done"}`, { worker, ...said });
    } catch ({ code, message }) {
      if (code && !["unavailable", "unknown", "busy"].includes(code)) return console.error(message);
      await setTimeout(1000); // the hall is away for a moment
    }
}

async function run({ id, attempt, kind, payload }) {
  try {
    await answer(id, { attempt, result: (await kinds[kind](payload)) ?? null });
  } catch ({ name: type, message }) {
    await answer(id, { attempt, error: { type, message } });
  }
  hand.delete(id);
}

setInterval(() => {
  const jobs = [...hand.values()].map(({ id, attempt }) => ({ id, attempt }));
  if (jobs.length) ask("POST", "/beat", { worker, jobs }).catch(({ message }) => console.error(message));
}, (lease_seconds * 1000) / 3);

for (;;)
  try {
    const n = most - hand.size;
    const wanted = { worker, kinds: Object.keys(kinds), n, lease_seconds, wait_seconds: 20 };
    const { run: claimed } = n ? await ask("POST", "/claim", wanted) : await setTimeout(50, { run: [] });
    for (const job of claimed) hand.set(job.id, job) && run(job);
  } catch ({ message }) {
    console.error(message);
    await setTimeout(1000);
  }
