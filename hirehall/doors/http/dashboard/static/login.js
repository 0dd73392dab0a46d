"use strict";
// Logs in by the code in the link that `hirehall serve` prints, or by a token; then to the page that was wanted.
const said = document.getElementById("said");

function wanted() {
  const to = new URL(new URLSearchParams(location.search).get("to") || "/", location.origin);
  return to.origin === location.origin ? to.pathname + to.search : "/";
}

async function logIn(proof) {
  said.textContent = "";
  try {
    const answer = await fetch("/login", {
      method: "POST", body: JSON.stringify(proof),
      headers: {"content-type": "application/json", "x-hirehall": "1"},
    });
    if (answer.ok) { location.replace(wanted()); return; }
    said.textContent = (await answer.json()).error.message;
  } catch {
    said.textContent = "The hall does not answer: is it running?";
  }
}

function byLink() {
  const code = location.hash.slice(1);
  if (!code) return;
  history.replaceState(null, "", location.pathname + location.search);
  logIn({code});
}

byLink();
addEventListener("hashchange", byLink); // a link that is pasted where this page is open already
document.getElementById("login").addEventListener("submit", (event) => {
  event.preventDefault();
  logIn({token: document.getElementById("token").value.trim()});
});
