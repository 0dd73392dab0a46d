// A whole worker in Node, without packages: jobs of kind `words`, four at once; the result is the number of words.
// For other kinds: import { work } from "./worker.mjs"; work({ resize: async (payload, { id, attempt }) => ... });
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { fileURLToPath } from "node:url";

export function work(kinds, { name = "node", credit = 4, lease_seconds = 30 } = {}) {
  const data = process.env.HIREHALL_DATA ?? `${process.env.HOME}/.local/state/hirehall`;
  const worker = randomUUID(); // whoever has this word may come back for the jobs in its hand
  const hand = new Map(); // a job is there until the hall has heard its answer, over any number of connections
  let say = () => {};
  const run = async ({ id, attempt, kind, payload }) => {
    const job = { ref: `${id} ${attempt}`, id, attempt };
    hand.set(job.ref, job);
    try {
      const result = (await kinds[kind](payload, job)) ?? null;
      Object.assign(job, { cmd: "done", result });
    } catch ({ name: type, message }) {
      Object.assign(job, { cmd: "fail", error: { type, message } });
    }
    say(job);
  };
  const hear = (message) => {
    if (message.error) console.error(message.error.message);
    message.run?.forEach(run);
    hand.delete(message.ref); // its answer is taken, or refused because somebody else has the job by now
  };
  const open = async () => {
    const { url, token } = JSON.parse(readFileSync(`${data}/access.json`)); // the hall says there where it is
    const [, host, port] = url.match(/^hall:\/\/\[?(.+?)\]?:(\d+)$/);
    const socket = connect(port, host).setEncoding("utf8").on("error", console.error);
    const beats = setInterval(() => say({ cmd: "beat" }), (lease_seconds * 1000) / 3);
    socket.on("close", () => again(clearInterval(beats), (say = () => {})));
    let rest = "";
    socket.on("data", (text) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop();
      lines.forEach((line) => hear(JSON.parse(line)));
    });
    say = (message) => socket.write(JSON.stringify(message) + "\n");
    say({ cmd: "hello", token, worker, name });
    if (hand.size) say({ cmd: "keep", jobs: [...hand.values()].map(({ id, attempt }) => ({ id, attempt })) });
    [...hand.values()].filter((job) => job.cmd).forEach(say);
    say({ cmd: "work", kinds: Object.keys(kinds), credit, lease_seconds });
  };
  const again = () => setTimeout(() => open().catch(again), 1000 * Math.random());
  open().catch(again);
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  work({ words: (payload) => String(payload).split(/\s+/).filter(Boolean).length });
