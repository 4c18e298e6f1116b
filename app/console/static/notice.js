// What is said: to everybody, to those who listen, and how to undo.

import { at, h } from "./dom.js";

const STAYS_MS = 8000;
let timer = null;

/** Say it to people who listen to the page. */
export const say = text => { at("said").textContent = text; };

/** Show a line for some seconds, with a button that undoes. */
export function offerUndo(text, undo) {
  const toast = at("toast");
  const button = h("button", { type: "button", onclick: () => { hide(); undo(); } }, "Undo");
  toast.replaceChildren(h("span", {}, text), button);
  toast.hidden = false;
  clearTimeout(timer);
  timer = setTimeout(() => toast.matches(":hover, :focus-within") || hide(), STAYS_MS);
}

/** Take the offer back. */
export function hide() {
  at("toast").hidden = true;
}

/** Describe a failure, with a button to try again. */
export function failure(error, retry) {
  const again = retry && h("button", { type: "button", onclick: retry }, "Try again");
  return h("div", { className: "failure", role: "alert" }, h("p", {}, error.message), again);
}
