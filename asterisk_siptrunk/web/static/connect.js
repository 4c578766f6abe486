// Buttons that copy a text: shown only where a browser can.
"use strict";

function offerCopies(root) {
  if (!navigator.clipboard) {
    return;
  }
  for (const button of root.querySelectorAll("[data-copy]")) {
    button.hidden = false;
  }
}

document.addEventListener("DOMContentLoaded", () => offerCopies(document));
document.addEventListener("htmx:load", (event) => offerCopies(event.target));
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    button.textContent = button.dataset.copied;
  }
});
