"use strict";
// The log of an attempt, as it is written. Colours are classes that the hall made. Scrolling up stops the following.
(() => {
  const MAX_LINES = 5000; // older ones leave the page
  const NEAR_END = 24; // pixels
  const section = document.querySelector("[data-log-of]");
  if (!section) return;
  const log = section.querySelector("[data-log]");
  const toggle = section.querySelector("[data-log-follow]");
  const chooser = () => section.querySelector("[data-log-attempt]");
  let source = null;
  let follows = true;
  let shown = 0; // the attempt
  let place = ""; // where its log goes on, as the hall says it
  let newest = 0;

  function show() {
    toggle.setAttribute("aria-pressed", String(follows));
    toggle.textContent = follows ? "Following" : "Follow";
    if (follows) log.scrollTop = log.scrollHeight;
  }

  function take(html) {
    log.insertAdjacentHTML("beforeend", html);
    for (let extra = log.childElementCount - MAX_LINES; extra > 0; extra--) log.firstElementChild.remove();
    if (follows) log.scrollTop = log.scrollHeight;
  }

  function read(attempt) {
    shown = attempt;
    place = `${attempt}-0`;
    log.replaceChildren();
    listen();
  }

  // A browser has six connections to one host: a page that nobody sees keeps none.
  function listen() {
    source?.close();
    source = null;
    if (document.hidden || !place) return;
    const own = source = new EventSource(`${log.dataset.log}?place=${place}`);
    own.addEventListener("message", event => {
      place = event.lastEventId;
      take(JSON.parse(event.data).html);
    });
    own.addEventListener("end", () => {
      own.close();
      place = "";
      if (!log.childElementCount) log.textContent = "This attempt wrote nothing.";
    });
  }

  // The stream of the page has brought another attempt: who looked at the newest goes on to it.
  function attempts() {
    const latest = Number(chooser().options[0]?.value || 0);
    if (latest <= newest) return;
    const goes = shown === newest;
    newest = latest;
    section.hidden = false;
    if (!goes) return;
    chooser().value = String(latest);
    read(latest);
  }

  log.addEventListener("scroll", () => {
    const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < NEAR_END;
    if (atEnd !== follows) { follows = atEnd; show(); }
  });
  toggle.addEventListener("click", () => { follows = !follows; show(); });
  section.addEventListener("change", () => { follows = true; show(); read(Number(chooser().value)); });
  new MutationObserver(attempts).observe(section.querySelector("header"), {childList: true, subtree: true});
  document.addEventListener("visibilitychange", listen);
  attempts();
})();
