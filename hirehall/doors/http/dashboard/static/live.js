"use strict";
// What every page has: a stream while it is seen, what the hall said, questions before what cannot be undone.

// Resolves to whether the person says yes to this.
function confirmed(question, verb) {
  const dialog = document.getElementById("ask");
  document.getElementById("ask-text").textContent = question;
  document.getElementById("ask-yes").textContent = `Yes, ${verb.toLowerCase()}`;
  dialog.returnValue = "";
  return new Promise(resolve => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), {once: true});
    dialog.showModal();
  });
}

(() => {
  const dot = document.getElementById("live-dot");
  const word = document.getElementById("live-word");
  const said = document.getElementById("said");
  const stream = document.getElementById("stream");

  // Buttons and forms say JSON: the guard lets nothing else in.
  htmx.registerExtension("json", {
    htmx_before_request: (element, {ctx}) => {
      if (ctx.request.method === "GET") return;
      ctx.request.headers["Content-Type"] = "application/json";
      ctx.request.body = JSON.stringify(Object.fromEntries(ctx.request.body || []));
    },
  });

  function state(name, text) {
    if (word.textContent === text) return;
    dot.className = name;
    word.textContent = text;
  }

  function say(text, isBad) {
    said.className = isBad ? "bad" : "";
    said.textContent = text;
  }

  let fading = 0;
  new MutationObserver(() => {
    clearTimeout(fading);
    if (said.textContent) fading = setTimeout(() => say(""), 8000);
  }).observe(said, {childList: true, characterData: true, subtree: true});

  // A page that nobody sees has no stream: a browser has few connections to one hall.
  // htmx closes it while the page is hidden, and comes back by itself once it has been there.
  let looks = false;
  function look() {
    if (document.hidden || looks) return;
    if (!stream._htmx?.triggerSpecs?.length) { setTimeout(look, 20); return; } // htmx has not seen it yet
    looks = true;
    stream.dispatchEvent(new CustomEvent("look"));
  }
  function lookAgain() {
    if (!looks) return;
    looks = false;
    state("dot off", "Connection lost");
    setTimeout(look, 2000);
  }
  look();
  document.addEventListener("visibilitychange", look);
  stream.addEventListener("htmx:sse:close", lookAgain);
  stream.addEventListener("htmx:error", lookAgain);

  document.addEventListener("htmx:sse:after:connection", () => state("dot", "Live"));
  document.addEventListener("htmx:sse:before:connection", ({detail}) => {
    if (detail.connection.attempt === 1 && !document.hidden) state("dot wait", "Connecting");
  });
  document.addEventListener("htmx:sse:error", ({detail}) => {
    if (detail.status === 401) location.reload(); // the login is over: this leads to where one logs in
    else state("dot off", "Connection lost");
  });

  document.addEventListener("htmx:response:error", async ({detail}) => {
    if (detail.ctx.response.status === 401) { location.reload(); return; }
    if (detail.ctx.sourceElement === stream) { lookAgain(); return; }
    let text = "The hall refused this.";
    try { text = JSON.parse(detail.ctx.text).error.message; } catch { /* no words of ours */ }
    say(text, true);
  });
  document.addEventListener("htmx:error", ({detail}) => {
    if (detail.ctx && detail.ctx.request.method !== "GET") say("The hall did not answer: nothing is known of what came of this.", true);
  });

  document.addEventListener("htmx:confirm", (event) => {
    const {ctx, issueRequest, dropRequest} = event.detail;
    if (!ctx.confirm) return;
    event.preventDefault();
    confirmed(ctx.confirm, ctx.sourceElement.textContent).then((yes) => (yes ? issueRequest() : dropRequest()));
  });

  document.getElementById("logout")?.addEventListener("click", async () => {
    await fetch("/logout", {method: "POST", headers: {"x-hirehall": "1"}}).catch(() => {});
    location.assign("/login");
  });
})();
