// The pages: to try it, a user's, an item's.

import { call, itemPath, query, userPath } from "./api.js";
import { count, h } from "./dom.js";
import { describe, details, learn, titleOf } from "./items.js";
import { say } from "./notice.js";
import { rater } from "./rater.js";
import { format, predicted, scale } from "./scale.js";
import { Screen } from "./screen.js";
import { User, me } from "./taste.js";

/** Rate, and watch the list move. */
export async function home(put) {
  const screen = new Screen(me(), { asks: true, heading: "Your ratings" });
  put(h("div", { className: "lead" },
    h("h1", {}, "Rate a few. The list moves at once."),
    h("p", {}, "Nothing is retrained for it: your ratings are the model’s input. Each place says which ratings put it there, by how much, and lets you try what if.")), screen.element);
  await screen.load();
}

/** Find a user. */
export function users(put) {
  const id = h("input", { required: true, maxLength: 255, autocomplete: "off", spellcheck: "false" });
  const form = h("form", { className: "panel find" }, h("label", {}, "User id", id), h("button", { className: "strong" }, "Show"));
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
    about.textContent = "Nobody of this id has rated anything yet.";
    return;
  }
  const [known, similar] = await Promise.all([call("GET", userPath(id)), call("GET", `${userPath(id)}/similar${query({ limit: 5 })}`)]);
  const links = similar.users.flatMap(each => [" ", h("a", { href: `#/users/${encodeURIComponent(each.user_id)}`, title: `${count(each.overlap, "item")} in common` }, each.user_id)]);
  about.replaceChildren(`${count(known.num_ratings, "rating")}.`, ...links.length ? [" Similar taste:", ...links] : []);
}

/** An item, what it is like, and what is expected of you. */
export async function item(put, id) {
  const taste = me();
  await learn([id]);
  if (details(id).item_id === undefined) throw new Error(`There is no item ${id}.`);
  const expected = h("p", { className: "soft" });
  const stars = rater({ label: `Rate ${titleOf({ item_id: id })}`, onrate: async value => { await taste.rate({ item_id: id, title: titleOf({ item_id: id }) }, value); await show(); say("It is stored."); } });
  const show = async () => {
    const { predictions: [said] } = await taste.predict([id]);
    stars.show(said.rating, said.predicted_rating);
    expected.textContent = said.rating !== null ? `You rated it ${format(said.rating)}.` : said.predicted_rating === null ? said.reason_detail
      : `Predicted for you: ${predicted(said.predicted_rating)} of ${scale.max}.`;
  };
  const { items } = await call("GET", `${itemPath(id)}/similar${query({ limit: 10 })}`);
  await Promise.all([show(), learn(items.map(each => each.item_id))]);
  const alike = items.map(each => h("li", {}, h("a", { className: "title", href: `#/items/${encodeURIComponent(each.item_id)}` }, titleOf(each)), h("small", {}, describe(each.item_id))));
  put(h("div", { className: "lead" }, h("h1", {}, titleOf({ item_id: id })), h("p", {}, describe(id)), stars, expected),
    h("section", { className: "panel", "aria-labelledby": "alike-heading" }, h("h2", { id: "alike-heading" }, "More like it"), h("ol", { className: "alike" }, ...alike)));
}
