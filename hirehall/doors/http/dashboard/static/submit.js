"use strict";
// The form of a job. The payload is sent as it was typed: numbers that this browser cannot hold stay what they are.
{
  const form = document.querySelector("[data-submit]");
  const said = document.querySelector("#submit-said");

  function number(name) {
    const text = form.elements[name].value.trim();
    return text === "" ? undefined : Number(text);
  }

  // Where the browser says what is wrong: "... at position 12", or "... at line 2 column 3".
  function place(text, error) {
    const lines = /line (\d+) column (\d+)/.exec(error.message);
    if (lines) return `line ${lines[1]}, column ${lines[2]}`;
    const position = /position (\d+)/.exec(error.message);
    const before = text.slice(0, position ? Number(position[1]) : text.length).split("\n");
    return `line ${before.length}, column ${before.at(-1).length + 1}`;
  }

  // Whether this field holds JSON; says so beside it.
  function isJson(name) {
    const field = form.elements[name];
    const note = document.querySelector(`#${name}-said`);
    const text = field.value.trim() && field.value;
    note.textContent = "";
    field.removeAttribute("aria-invalid");
    if (!text) return true;
    try {
      JSON.parse(text);
      return true;
    } catch (error) {
      const what = error.message.replace(/ (in JSON )?at (position|line).*/s, "").replace(/, "?\.\.\..*is not valid JSON/s, " is not valid JSON");
      note.textContent = `Not JSON: ${place(text, error)}: ${what}`;
      field.setAttribute("aria-invalid", "true");
      return false;
    }
  }

  function written() {
    const tags = form.elements.tags.value.split(",").map(tag => tag.trim()).filter(Boolean);
    const job = {
      kind: form.elements.kind.value.trim(),
      queue: form.elements.queue.value.trim() || undefined,
      key: form.elements.key.value.trim() || undefined,
      tags: tags.length ? tags : undefined,
    };
    const chosen = form.elements.files.files;
    if (chosen.length) job.draft = true; // it runs once they are there
    for (const name of ["priority", "delay_seconds", "timeout_seconds", "max_attempts"]) job[name] = number(name);
    // JSON.parse has seen that each is one value, so it can stand in the text as it is.
    const whole = ["payload", "requires"].filter(name => form.elements[name].value.trim());
    const parts = whole.map(name => `"${name}": ${form.elements[name].value}`);
    const more = form.dataset.more ? JSON.parse(form.dataset.more) : {};
    const plain = JSON.stringify({...more, ...job}).slice(1, -1);
    return `{${[plain, ...parts].join(", ")}}`;
  }

  async function submit() {
    said.textContent = "";
    const wrong = ["payload", "requires"].filter(name => !isJson(name));
    if (wrong.length) { form.elements[wrong[0]].focus(); return; }
    if (!form.elements.kind.value.trim()) {
      said.textContent = "Say which kind of job it is.";
      form.elements.kind.focus();
      return;
    }
    const {id, duplicate} = await call("POST", "/api/v1/jobs", written());
    const chosen = form.elements.files.files;
    if (chosen.length && !duplicate) await give(id, chosen);
    location.assign(`/jobs/${id}`);
  }

  // A draft gets its files and may run; when that breaks off it goes, and the form stays as it is.
  async function give(id, chosen) {
    const path = `/api/v1/jobs/${id}`;
    try {
      await files.putAll(chosen, `${path}/files/`, document.querySelector("#upload-progress"), say);
      await call("POST", `${path}/commit`, "{}");
    } catch (error) {
      await call("POST", `${path}/discard`, "{}").catch(() => {});
      throw error;
    }
  }

  function say(text) { said.textContent = text; }

  form?.addEventListener("submit", event => {
    event.preventDefault();
    const button = form.querySelector("button.main");
    button.disabled = true;
    submit().catch(error => say(error.message)).finally(() => { button.disabled = false; });
  });
  for (const name of ["payload", "requires"]) form?.elements[name].addEventListener("change", () => isJson(name));
}
