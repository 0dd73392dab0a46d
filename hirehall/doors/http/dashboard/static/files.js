"use strict";
// Files on their way to a draft: each is one PUT, whose bytes the browser reads from the disk as they go.
const files = {
  // Sends one file; `told(part)` hears how much of it has gone, 0 to 1. Rejects with the hall's words.
  put(file, path, told) {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open("PUT", path + encodeURIComponent(file.name));
      request.setRequestHeader("content-type", "application/octet-stream");
      request.setRequestHeader("x-hirehall", "1");
      request.upload.addEventListener("progress", event => told(event.loaded / (event.total || 1)));
      request.addEventListener("load", () => {
        if (request.status < 300) { resolve(); return; }
        let words = `the hall answered ${request.status}`;
        try { words = JSON.parse(request.responseText).error.message; } catch { /* no words of ours */ }
        reject(new Error(words));
      });
      request.addEventListener("error", () => reject(new Error("the connection broke off: try it again")));
      request.send(file);
    });
  },

  // One after the other; says what it does, in words and on the bar.
  async putAll(list, path, bar, say) {
    bar.hidden = false;
    try {
      for (const [number, file] of [...list].entries()) {
        say(`Uploading ${file.name}, ${number + 1} of ${list.length}`);
        const told = part => { bar.value = 100 * (number + part) / list.length; };
        try {
          await files.put(file, path, told);
        } catch (error) {
          throw new Error(`${file.name}: ${error.message}`);
        }
      }
    } finally {
      bar.hidden = true;
      bar.value = 0;
    }
  },
};

document.addEventListener("change", async event => {
  const field = event.target.closest("input[data-upload]");
  if (!field?.files.length) return;
  const said = document.getElementById("upload-said");
  const say = text => { said.textContent = text; };
  field.disabled = true;
  try {
    await files.putAll(field.files, field.dataset.upload, document.getElementById("upload-progress"), say);
    say("Uploaded.");
  } catch (error) {
    say(error.message);
  } finally {
    field.disabled = false;
    field.value = "";
  }
});
