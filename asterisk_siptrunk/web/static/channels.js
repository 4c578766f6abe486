// A slider and a number field that say the same; without this file the field does it alone.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  for (const slider of document.querySelectorAll("input[data-follows]")) {
    const field = document.getElementById(slider.dataset.follows);
    slider.closest("[data-slider]").hidden = false;
    // Both events rise to the form, which asks for the price.
    slider.addEventListener("input", () => {
      field.value = slider.value;
    });
    field.addEventListener("input", () => {
      slider.value = field.value;
    });
  }
});
