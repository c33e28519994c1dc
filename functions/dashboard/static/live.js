/* Live updates: nothing is asked for a page that nobody looks at, ticks outlive an update, an update
   that fails is said, and when the page was read, too. Pages work without it. */
"use strict";
const ticked = () => [...document.querySelectorAll("#live input:checked")].map((box) => box.name + "=" + box.value);
let before = [];
document.addEventListener("htmx:beforeRequest", (event) => {
  if (document.hidden) event.preventDefault();
});
document.addEventListener("htmx:beforeSwap", () => {
  before = ticked();
});
document.addEventListener("htmx:afterSwap", () => {
  for (const box of document.querySelectorAll('#live input[type="checkbox"]')) {
    box.checked = before.includes(box.name + "=" + box.value);
  }
});
const say = (isStale) => {
  document.getElementById("stale").hidden = !isStale;
};
document.addEventListener("htmx:afterRequest", (event) => {
  say(!event.detail.successful);
  const readAt = event.detail.xhr.getResponseHeader("X-Read-At");
  if (readAt) document.getElementById("read-at").textContent = readAt;
});
document.addEventListener("htmx:sendError", () => say(true));
