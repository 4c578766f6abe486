// What htmx does not do: numbers that follow the server's events, without a reload.
"use strict";

const LATER_MS = 30000;

// Events name elements by their data-live-key, and their new text. A <meter> has two: its value,
// and by data-live-max its end.
function put(values) {
  for (const [key, text] of Object.entries(values)) {
    const name = CSS.escape(key);
    for (const element of document.querySelectorAll(`[data-live-key="${name}"]`)) {
      if (element.tagName === "METER") {
        element.value = Number(text);
      } else {
        element.textContent = text;
      }
    }
    for (const meter of document.querySelectorAll(`meter[data-live-max="${name}"]`)) {
      meter.max = Math.max(1, Number(text));
      meter.high = meter.max - 0.5;
      meter.low = meter.max * 0.8;
    }
  }
}

// What says that the numbers stand still.
function show(away) {
  for (const element of document.querySelectorAll("[data-live-away]")) {
    element.hidden = !away;
  }
}

// <… data-live="/live/…"> somewhere on the page.
class Follower {
  constructor(address) {
    this.address = address;
    this.source = null;
    this.later = 0;
  }

  start() {
    clearTimeout(this.later);
    if (this.source || document.hidden) {
      return;
    }
    this.source = new EventSource(this.address);
    this.source.addEventListener("values", (event) => {
      put(JSON.parse(event.data));
      show(false);
    });
    this.source.addEventListener("away", () => show(true));
    this.source.addEventListener("over", () => window.location.reload());
    this.source.addEventListener("error", () => this.failed());
  }

  // A browser asks again by itself where an answer broke off, and not where it got another one.
  failed() {
    show(true);
    if (this.source && this.source.readyState === EventSource.CLOSED) {
      this.stop();
      this.later = setTimeout(() => this.start(), LATER_MS);
    }
  }

  // A page that nobody sees listens to nothing: browsers have six connections to a place at most.
  stop() {
    clearTimeout(this.later);
    if (this.source) {
      this.source.close();
      this.source = null;
    }
  }
}

document.addEventListener("DOMContentLoaded", () => {
  const place = document.querySelector("[data-live]");
  if (!place) {
    return;
  }
  const follower = new Follower(place.dataset.live);
  follower.start();
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      follower.stop();
    } else {
      follower.start();
    }
  });
});
