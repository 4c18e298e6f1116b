// What is said: to everybody, to those who listen, and how to undo.

import { at, button, h } from "./dom.js";

const STAYS_MS = 8000;
let timer = null;

/** Say it to people who listen to the page. */
export const say = text => { at("said").textContent = text; };

/** Show a line for some seconds, with a button that undoes. */
export function offerUndo(text, undo) {
  const toast = at("toast");
  toast.replaceChildren(h("span", {}, text), button("Undo", () => { hide(); undo(); }));
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
  return h("div", { className: "failure", role: "alert" }, h("p", {}, error.message), retry && button("Try again", retry));
}
