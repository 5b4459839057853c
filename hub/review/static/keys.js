// Presses what a key stands for: whatever has data-key="s" when s is typed. Pages work the same without it.
document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
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
