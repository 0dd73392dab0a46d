// What client and worker share: one request to the hall by `fetch`, and what its errors are.
import { readFileSync } from "node:fs";

const data = process.env.HIREHALL_DATA ?? `${process.env.HOME}/.local/state/hirehall`;

export async function ask(method, path, body) {
  const { http, token } = JSON.parse(readFileSync(`${data}/access.json`)); // the hall says there where it is
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const answer = await fetch(`${http}/api/v1${path}`, { method, headers, body: body && JSON.stringify(body) });
  const reply = await answer.json();
  if (!answer.ok) throw Object.assign(new Error(reply.error.message), { code: reply.error.code });
  return reply;
}
