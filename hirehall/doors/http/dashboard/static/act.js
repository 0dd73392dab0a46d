"use strict";
// What buttons do: they call the API as anybody could, and the hall decides.
//   data-act METHOD data-path PATH [data-ask QUESTION] [data-then ADDRESS]
//   data-bulk VERB data-where FILTER data-count ADDRESS: asks how many first, then shows the task's progress
{
  const HEADERS = {"content-type": "application/json", "x-hirehall": "1", "accept": "application/json"};
  const LOOK_MS = 400;

  async function call(method, path, body) {
    const answer = await fetch(path, {method, headers: HEADERS, body: body === undefined ? undefined : JSON.stringify(body)});
    const said = await answer.json();
    if (!answer.ok) throw new Error(said.error.message);
    return said;
  }

  function made(tag, words, more = {}) {
    const element = Object.assign(document.createElement(tag), more);
    element.textContent = words;
    return element;
  }

  function complain(error) {
    document.querySelector("#complaint")?.remove();
    const box = made("div", "", {id: "complaint", className: "alarm"});
    box.setAttribute("role", "alert");
    const close = made("button", "Close", {type: "button", className: "right"});
    close.addEventListener("click", () => box.remove());
    box.append(made("strong", "Refused"), made("span", error.message), close);
    document.querySelector("main").prepend(box);
  }

  // Resolves to whether the person says yes.
  function confirmed(question, yes) {
    const dialog = document.createElement("dialog");
    const row = made("div", "", {className: "bar"});
    const no = made("button", "Back", {type: "button", className: "right", autofocus: true});
    const go = made("button", yes, {type: "button", className: "danger"});
    row.append(no, go);
    dialog.append(made("p", question, {id: "question"}), row);
    dialog.setAttribute("aria-labelledby", "question");
    document.body.append(dialog);
    return new Promise(resolve => {
      no.addEventListener("click", () => dialog.close());
      go.addEventListener("click", () => dialog.close("yes"));
      dialog.addEventListener("close", () => { dialog.remove(); resolve(dialog.returnValue === "yes"); });
      dialog.showModal();
    });
  }

  async function act(button) {
    const {act: method, path, ask, then} = button.dataset;
    if (ask && !(await confirmed(ask, `Yes, ${button.textContent.toLowerCase()}`))) return;
    button.disabled = true;
    try {
      await call(method, path, method === "DELETE" ? undefined : {});
      if (then) location.assign(then);
    } catch (error) {
      complain(error);
    } finally {
      button.disabled = false;
    }
  }

  async function bulk(button) {
    const {bulk: verb, where, count} = button.dataset;
    button.disabled = true;
    try {
      const concerned = await call("GET", count);
      if (!(await confirmed(concerned.question, `Yes, ${verb}`))) return;
      const {task} = await call("POST", `/api/v1/jobs/${verb}`, {where: JSON.parse(where)});
      follow(task.id, verb);
    } catch (error) {
      complain(error);
    } finally {
      button.disabled = false;
    }
  }

  function follow(id, action, box) {
    if (!box) {
      box = document.createElement("div");
      document.querySelector("[data-tasks]").append(box);
    }
    box.className = "alarm amber task";
    const words = made("span", "");
    const stop = made("button", "Stop", {type: "button", className: "right"});
    stop.addEventListener("click", () => {
      stop.disabled = true;
      call("POST", `/api/v1/tasks/${id}/stop`, {}).catch(complain);
    });
    box.replaceChildren(made("strong", {retry: "Retrying", cancel: "Cancelling", remove: "Removing"}[action] || action), words, stop);
    const number = new Intl.NumberFormat("en");
    async function look() {
      try {
        const {task} = await call("GET", `/api/v1/tasks/${id}`);
        const refused = task.refused ? `, ${number.format(task.refused)} refused` : "";
        words.textContent = `${number.format(task.done)} done${refused}, ${number.format(task.looked)} looked at`;
        if (task.state === "running") { setTimeout(look, LOOK_MS); return; }
        words.textContent += task.state === "done" ? ". Finished." : ". Stopped.";
        box.dataset.over = task.state;
        const close = made("a", "Show the jobs as they are now", {href: location.href, className: "right"});
        stop.replaceWith(close);
      } catch (error) {
        box.remove();
        complain(error);
      }
    }
    look();
  }

  document.addEventListener("click", event => {
    const button = event.target.closest("button[data-act], button[data-bulk]");
    if (button?.dataset.act) act(button);
    else if (button) bulk(button);
  });
  for (const box of document.querySelectorAll("[data-task]")) follow(box.dataset.task, box.dataset.action, box);
}
