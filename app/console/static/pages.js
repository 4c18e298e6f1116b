// The pages: to try it, to find a user, a user's.

import { call, query, userPath } from "./api.js";
import { count, h } from "./dom.js";
import { Screen } from "./screen.js";
import { User, me } from "./taste.js";

const NUM_SIMILAR = 5;

/** Rate, and watch the list move. */
export async function home(put) {
  const screen = new Screen(me(), { asks: true, heading: "Your ratings" });
  put(h("div", { className: "lead" },
    h("h1", {}, "Rate a few. The list moves at once."),
    h("p", {}, "Nothing is retrained for it: your ratings are the model’s input. Each item says which of them move it, by how "
      + "much, and the sliders tell what if you had rated otherwise.")), screen.element);
  await screen.load();
}

/** Find a user. */
export function users(put) {
  const id = h("input", { required: true, maxLength: 255, autocomplete: "off", spellcheck: "false" });
  const form = h("form", { className: "panel find" },
    h("label", {}, "User id", id), h("button", { className: "strong" }, "Show"));
  form.onsubmit = event => { event.preventDefault(); location.hash = `#/users/${encodeURIComponent(id.value)}`; };
  put(h("div", { className: "lead" }, h("h1", {}, "A user’s page"),
    h("p", {}, "What he rated and when, what he is recommended and why, and what it would be had he rated otherwise.")), form);
  id.focus();
}

/** A user's history and list. */
export async function user(put, id) {
  const screen = new Screen(new User(id), { asks: false, heading: "History" });
  const about = h("p", {}, " ");
  put(h("div", { className: "lead" }, h("h1", {}, id), about), screen.element);
  await screen.load();
  if (!screen.isKnown) {
    about.textContent = "No user of this id has rated anything yet.";
    return;
  }
  const [known, similar] = await Promise.all([
    call("GET", userPath(id)), call("GET", `${userPath(id)}/similar${query({ limit: NUM_SIMILAR })}`),
  ]);
  const links = similar.users.flatMap(each => [" ", linkTo(each)]);
  about.replaceChildren(`${count(known.num_ratings, "rating")}.`, ...links.length ? [" Similar taste:", ...links] : []);
}

function linkTo({ user_id: id, overlap }) {
  return h("a", { href: `#/users/${encodeURIComponent(id)}`, title: `${count(overlap, "item")} in common` }, id);
}
