"use strict";
// Calls the API as anybody could. `body` is JSON, as text; rejects with the hall's words.
async function call(method, path, body) {
  const headers = {"content-type": "application/json", "x-hirehall": "1", "accept": "application/json"};
  const answer = await fetch(path, {method, headers, body}).catch(error => {
    throw new Error(`The hall cannot be reached: ${error.message}`);
  });
  const said = await answer.json();
  if (!answer.ok) throw new Error(said.error.message);
  return said;
}
