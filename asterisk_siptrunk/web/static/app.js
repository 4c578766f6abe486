// What htmx does not do: numbers that follow the server's events, without a reload.
"use strict";

// <body data-live="/live/…">: each event names elements by their data-live-key, and their new text.
function follow(address) {
  const source = new EventSource(address);
  source.addEventListener("values", (event) => {
    for (const [key, text] of Object.entries(JSON.parse(event.data))) {
      for (const element of document.querySelectorAll(`[data-live-key="${CSS.escape(key)}"]`)) {
        if (element.tagName === "METER") {
          element.value = Number(text);
        } else {
          element.textContent = text;
        }
      }
    }
  });
}

document.addEventListener("DOMContentLoaded", () => {
  const place = document.querySelector("[data-live]");
  if (place) {
    follow(place.dataset.live);
  }
});
