"use strict";
// What buttons do: they call the API as anybody could, and the hall decides.
//   data-act METHOD data-path PATH [data-ask QUESTION] [data-then ADDRESS]
//   data-bulk VERB data-where FILTER data-count ADDRESS: asks how many first; the page shows how far it is
{
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

  async function act(button) {
    const {act: method, path, ask, then} = button.dataset;
    if (ask && !(await confirmed(ask, button.textContent))) return;
    button.disabled = true;
    try {
      await call(method, path, method === "DELETE" ? undefined : "{}");
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
      if (!(await confirmed(concerned.question, verb))) return;
      await call("POST", `/api/v1/jobs/${verb}`, `{"where": ${where}}`);
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
