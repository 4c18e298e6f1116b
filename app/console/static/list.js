// The recommendations: a list that moves.

import { button, count, h } from "./dom.js";
import { reorder } from "./flip.js";
import { describe, titleOf } from "./items.js";
import { failure } from "./notice.js";
import { rater } from "./rater.js";
import { largestEffect, reasons } from "./reasons.js";
import { predicted } from "./scale.js";
import { placesOf } from "./taste.js";

const SOURCES = {
  personal: "for you", attributes: "new, like what you like", popular: "popular", new: "new", pinned: "pinned",
};

const NO_ITEMS = "There are no items yet: POST /v1/items stores some, and so does the command `palate import`.";

const LEGEND = "Under each item: how your ratings move its predicted rating, exactly.";
const exactness = mae => `Predicted ratings of this model are off by ${mae.toFixed(2)} on average: `
  + "measured on people it had never seen.";

/** A list of recommendations. Calls `onrate(item, value, moment)`, `onopen(item)`, `onmore()` and `onclear()`. */
export class List {
  #rows = new Map();
  #places = new Map();
  #list = h("ol", { className: "picks" });
  #why = h("p", { className: "why-not", hidden: true });
  #took = h("p", { className: "took" });
  #error = h("div");
  #more = button("More", null, { className: "more", hidden: true });
  #foot = h("p", { className: "soft foot" });
  #legend = h("p", { className: "soft legend", hidden: true }, LEGEND);

  constructor({ onrate, onopen, onmore, onclear }) {
    Object.assign(this, { onrate, onopen, onclear });
    this.#more.onclick = onmore;
    this.heading = h("h2", { id: "list-heading", tabIndex: -1 }, "Recommendations");
    this.element = h("section", { className: "panel list", "aria-labelledby": "list-heading" },
      h("div", { className: "head" }, this.heading, this.#took),
      this.#why, this.#error, this.#legend, this.#list, this.#more, this.#foot);
  }

  /**
   * Show an answer and how its items moved: since the list that stands there or, if it answers "what if?", from the places
   * in `before`. Gives how many changed place.
   */
  show(answer, before, filtered) {
    this.element.classList.toggle("trying", before !== null);
    this.heading.textContent = before ? "Recommendations, if …" : "Recommendations";
    this.#error.replaceChildren();
    this.#explainKind(answer, filtered);
    const was = before ?? (this.#places.size ? this.#places : placesOf(answer));
    const moves = answer.items.map((item, place) => moveOf(item, was.get(item.item_id) ?? null, place + 1));
    const largest = largestEffect(answer.items);
    reorder(this.#list, answer.items.map((item, place) => this.#row(item, moves[place], largest)));
    this.#places = placesOf(answer);
    this.#forget();
    this.#legend.hidden = !answer.items.some(item => item.because?.length);
    this.#more.hidden = !answer.next_cursor;
    this.moves = moves.filter(move => move.before !== move.after);
    return this.moves.length;
  }

  /** Add the next page. */
  append(answer) {
    const start = this.#list.children.length;
    const largest = largestEffect(answer.items);
    for (const [id, place] of placesOf(answer)) this.#places.set(id, start + place);
    const rows = answer.items.map((item, place) => this.#row(item, moveOf(item, start + place + 1, start + place + 1), largest));
    this.#list.append(...rows);
    this.#more.hidden = !answer.next_cursor;
    rows[0]?.querySelector("a")?.focus();
  }

  /** Say what is known of the items by now. */
  describe() {
    for (const row of this.#rows.values()) row.describe();
  }

  busy(is) {
    this.element.setAttribute("aria-busy", is);
  }

  fail(error, retry) {
    this.#error.replaceChildren(failure(error, retry));
  }

  took(text) {
    this.#took.textContent = text;
  }

  /** Say how exact predictions are, in the scale's units. */
  exactness(mae) {
    this.#foot.textContent = mae === null ? "" : exactness(mae);
  }

  get first() {
    return this.#list.querySelector(".title")?.textContent ?? "nothing";
  }

  #explainKind({ reason, reason_detail: detail }, filtered) {
    const none = reason === "no_items";
    this.#why.hidden = !detail;
    this.#why.replaceChildren(none && !filtered ? NO_ITEMS : detail ?? "",
      none && filtered ? button("Clear the filters", this.onclear) : "");
  }

  #row(item, move, largest) {
    const row = this.#rows.get(item.item_id) ?? this.#newRow(item);
    row.update(item, move, largest);
    return row.element;
  }

  #newRow(item) {
    const title = titleOf(item);
    const rank = h("b"), move = h("span"), about = h("small"), source = h("span"), guess = h("span", { className: "guess" });
    const stars = rater({ label: `Rate ${title}`, onrate: (value, moment) => this.onrate(item, value, moment) });
    const why = h("details", { className: "why" });
    const href = `#/items/${encodeURIComponent(item.item_id)}`;
    const link = h("a", { className: "title", href, onclick: () => this.onopen(item) }, title);
    const element = h("li", { "data-item": item.item_id },
      h("div", { className: "rank" }, rank, move),
      h("div", { className: "what" }, link, h("span", { className: "about" }, about, source)),
      h("div", { className: "ask" }, stars, guess), why);
    const describeIt = () => { about.textContent = describe(item.item_id); };
    const update = (item, { before, after }, largest) => {
      rank.textContent = after;
      describeIt();
      source.className = `source ${item.source}`;
      source.textContent = SOURCES[item.source] ?? item.source;
      showMove(move, before === null ? null : before - after);
      stars.show(null, item.predicted_rating);
      guess.replaceChildren(...guessed(item));
      const said = reasons(item, largest);
      why.hidden = !said;
      why.replaceChildren(...said ?? []);
    };
    const row = { element, update, describe: describeIt };
    this.#rows.set(item.item_id, row);
    return row;
  }

  #forget() {
    for (const id of this.#rows.keys()) if (!this.#places.has(id)) this.#rows.delete(id);
  }
}

const moveOf = (item, before, after) => ({ title: titleOf(item), before, after });

const WAYS = {
  came: () => ["new", "It was not in the list."],
  up: places => [`▲${places}`, `${count(places, "place")} up`],
  down: places => [`▼${places}`, `${count(places, "place")} down`],
};

/** Say how many places an item went up; null: it was not there. */
function showMove(element, moved) {
  const way = moved === null ? "came" : moved > 0 ? "up" : moved < 0 ? "down" : "";
  element.className = `move ${way}`;
  [element.textContent, element.title] = way ? WAYS[way](Math.abs(moved)) : ["", ""];
}

function guessed(item) {
  if (item.predicted_rating === null) return ["no prediction yet"];
  const what = item.source === "popular" ? "mean" : "predicted";
  return [h("b", {}, predicted(item.predicted_rating)), h("small", {}, ` ${what}`)];
}
