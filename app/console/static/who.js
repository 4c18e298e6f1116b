// Who rates, and the key of a server that asks for one.

import { onKeyNeeded, setKey } from "./api.js";
import { at, button, count, h, newId } from "./dom.js";
import { failure } from "./notice.js";
import { become, me } from "./taste.js";

const FIRST = ["amber", "brisk", "calm", "deft", "eager", "fair", "glad", "keen", "merry", "quiet", "swift", "wry"];
const SECOND = ["badger", "crane", "finch", "heron", "ibis", "lynx", "marten", "otter", "plover", "raven", "stoat", "wren"];
const USERS = "A user’s ratings are stored under his id, and count in his next list wherever he is. "
  + "A guest’s stay in this tab.";
const KEYS = "It is kept in this tab only. To look it needs the scope read, to store ratings write.";
const pick = list => list[Math.floor(Math.random() * list.length)];
const madeUp = () => `${pick(FIRST)}-${pick(SECOND)}-${Math.floor(Math.random() * 900) + 100}`;

/** Show who rates; `onchange()` is called when it is somebody else. */
export function showWho(onchange) {
  const taste = me();
  const name = taste.isGuest ? h("b", {}, "Guest") : h("a", { href: `#/users/${encodeURIComponent(taste.id)}` }, taste.id);
  const said = taste.isGuest ? h("span", {}, name, h("small", {}, "nothing is stored")) : h("span", {}, "You are ", name);
  at("who").replaceChildren(said, button("Change", () => askWho(taste, onchange)));
}

function askWho(taste, onchange) {
  const id = h("input", { value: madeUp(), required: true, maxLength: 255, autocomplete: "off", spellcheck: "false" });
  const along = h("input", { type: "checkbox", checked: true });
  const num = taste.isGuest ? taste.stored.length : 0;
  const error = h("div");
  const use = async () => {
    if (taste.isGuest && along.checked) await taste.mergeInto(id.value);
    become(id.value);
  };
  const stay = button("Be a guest", () => { become(null); dialog.close(); onchange(); });
  const dialog = ask("Who rates?", [
    h("p", {}, USERS),
    h("label", {}, "User id", id),
    num > 0 ? h("label", { className: "line" }, along, `Take the guest’s ${count(num, "rating")} along`) : "",
    error, h("div", { className: "buttons" }, h("button", { className: "strong" }, "Be this user"), stay),
  ], async () => {
    try {
      await use();
      dialog.close();
      onchange();
    } catch (problem) {
      error.replaceChildren(failure(problem));
    }
  });
}

/** Ask for an API key when a call needs one. */
export function askForKeys() {
  onKeyNeeded(refused => new Promise(resolve => {
    const key = h("input", { type: "password", required: true, autocomplete: "off" });
    let entered = false;
    const dialog = ask("This server asks for a key", [
      refused ? h("p", { className: "failure", role: "alert" }, refused) : h("p", {}, KEYS),
      h("label", {}, "API key", key),
      h("div", { className: "buttons" }, h("button", { className: "strong" }, "Use it"), button("Cancel", () => dialog.close())),
    ], () => { setKey(key.value); entered = true; dialog.close(); });
    dialog.addEventListener("close", () => resolve(entered));
  }));
}

function ask(title, parts, onsubmit) {
  const id = newId();
  const form = h("form", {}, h("h2", { id }, title), ...parts);
  const dialog = h("dialog", { "aria-labelledby": id }, form);
  form.onsubmit = event => { event.preventDefault(); onsubmit(); };
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

