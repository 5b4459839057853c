// Keys for the queue. They count only while the list has the focus, so that no key does anything by surprise.
// Without this file everything works with Tab, Space and Enter.
"use strict";

const list = document.querySelector("[data-list]");

function move(from, step) {
  const links = [...list.querySelectorAll("a.pair")];
  const here = links.indexOf(from.closest("li").querySelector("a.pair"));
  links[Math.min(Math.max(here + step, 0), links.length - 1)].focus();
}

function tick(from) {
  const box = from.closest("li").querySelector("input[type=checkbox]");
  box.checked = !box.checked;
}

const KEYS = {
  ArrowDown: (from) => move(from, 1),
  ArrowUp: (from) => move(from, -1),
  j: (from) => move(from, 1),
  k: (from) => move(from, -1),
  x: tick,
};

list?.addEventListener("keydown", (event) => {
  const act = KEYS[event.key];
  if (!act || event.ctrlKey || event.altKey || event.metaKey || !event.target.closest("li")) return;
  event.preventDefault();
  act(event.target);
});
