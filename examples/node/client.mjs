// Hands in a job by `fetch` and prints its result: node client.mjs KIND PAYLOAD
import { ask } from "./hall.mjs";

const [kind, payload] = process.argv.slice(2);
const { id } = await ask("POST", "/jobs", { kind, payload: JSON.parse(payload ?? "null") });
const ended = async () => (await ask("POST", "/jobs/wait", { ids: [id], timeout_seconds: 20 })).jobs[0];
let job;
while (!job) job = await ended();
if (job.state !== "succeeded") {
  console.error(`${job.state}: ${job.error?.message ?? ""}`);
  process.exit(1);
}
console.log(JSON.stringify(job.result));
