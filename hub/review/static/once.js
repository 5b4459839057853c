// A form that is sent twice by a double click is sent once. Without this file the server tells the second from the first.
"use strict";

const PATIENCE = 5000; // milliseconds: whoever tries again later means it
const sent = new WeakMap();

document.addEventListener("submit", (event) => {
  const before = sent.get(event.target);
  if (before !== undefined && event.timeStamp - before < PATIENCE) event.preventDefault();
  else sent.set(event.target, event.timeStamp);
});
