// Presses what a key stands for: whatever has data-key="s" when s is typed. Pages work the same without it.
// Who dictates, or hits keys by accident, turns them off (WCAG 2.1.4); this browser remembers it.
"use strict";

const KEYS_OFF = "onerecord.keys-off";
const turn = document.querySelector("[data-keys]");

const areOff = () => localStorage.getItem(KEYS_OFF) !== null;
const tell = () => { turn.textContent = areOff() ? "Turn keys on" : "Turn keys off"; };

if (turn) {
  turn.hidden = false;
  tell();
  turn.addEventListener("click", () => {
    if (areOff()) localStorage.removeItem(KEYS_OFF);
    else localStorage.setItem(KEYS_OFF, "1");
    tell();
  });
}

document.addEventListener("keydown", (event) => {
  if (areOff() || event.defaultPrevented || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target.closest("input:not([type=radio]):not([type=checkbox]), select, textarea, [contenteditable]");
  const arrow = event.key.startsWith("Arrow");
  // Arrows move between radio buttons and scroll what is focused: there they keep their meaning.
  if (typing || (arrow && event.target.closest("input, [tabindex]:not(main)"))) return;
  const key = arrow ? event.key : event.key.toLowerCase();
  const pressed = document.querySelector(`[data-key="${CSS.escape(key)}"]`);
  if (!pressed) return;
  event.preventDefault();
  pressed.click();
});
