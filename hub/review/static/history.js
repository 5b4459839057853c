// The slider over the versions of a customer. Without it the list and the field for a day do the same.
"use strict";

const slider = document.querySelector(".slider");
if (slider) {
  const input = slider.querySelector("input");
  const output = slider.querySelector("output");
  const versions = [...document.querySelectorAll("#versions li")].reverse();
  const shown = input.value;
  let waiting = 0;

  const describe = () => {
    const item = versions[Number(input.value)];
    const text = `Version ${item.dataset.version}, from ${item.dataset.from}: ${item.querySelector(".changed").textContent}`;
    output.textContent = text;
    input.setAttribute("aria-valuetext", text);
  };
  // Held keys and dragging pass over versions; the page is fetched where they stop.
  const go = () => {
    clearTimeout(waiting);
    if (input.value === shown) return;
    waiting = setTimeout(() => {
      location.replace(`${slider.dataset.here}?version=${versions[Number(input.value)].dataset.version}#slide`);
    }, 250);
  };

  slider.hidden = false;
  describe();
  input.addEventListener("input", () => { describe(); go(); });
  if (location.hash === "#slide") input.focus();
}
