"use strict";
// What buttons do: they call the API as anybody could, and the hall decides.
//   data-act METHOD data-path PATH [data-ask QUESTION] [data-then ADDRESS]
//   data-bulk VERB data-where FILTER data-count ADDRESS: asks how many first; the page shows how far it is
{
  const HEADERS = {"content-type": "application/json", "x-hirehall": "1", "accept": "application/json"};

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
      await call("POST", `/api/v1/jobs/${verb}`, {where: JSON.parse(where)});
      document.getElementById("said").textContent = "It is under way, in the background.";
    } catch (error) {
      complain(error);
    } finally {
      button.disabled = false;
    }
  }

  document.addEventListener("click", event => {
    const button = event.target.closest("button[data-act], button[data-bulk]");
    if (button?.dataset.act) act(button);
    else if (button) bulk(button);
  });
  document.querySelector(".tabs [aria-current]")?.scrollIntoView({inline: "center", block: "nearest"}); // on a phone
}
