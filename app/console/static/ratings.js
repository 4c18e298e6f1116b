// A person's ratings: the history, and what if they were otherwise.

import { button, h } from "./dom.js";
import { titleOf } from "./items.js";
import { format, scale } from "./scale.js";

const MOVES_SHOWN = 3;
const EXACT = new Intl.DateTimeFormat(undefined, { dateStyle: "long", timeStyle: "medium" });
const DAY = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const TIME = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });

/** Ratings with sliders. Calls `ontry()`, `onkeep()`, `onremove(rating)` and `onmore()`. */
export class Ratings {
  #rows = new Map();
  #list = h("ol", { className: "rated-list" });
  #empty = h("p", { className: "soft" }, "None yet.");
  #more = button("More", null, { className: "more", hidden: true });
  #moves = h("p");
  #bar = h("div", { className: "what-if", hidden: true });

  constructor({ ontry, onkeep, onremove, onmore }, heading) {
    Object.assign(this, { ontry, onremove });
    this.#more.onclick = onmore;
    this.#bar.append(h("p", {}, h("b", {}, "What if. "), "Nothing is stored."), this.#moves,
      h("div", { className: "buttons" },
        button("Keep", onkeep, { className: "strong" }), button("Reset", () => { this.reset(); ontry(); })));
    this.element = h("section", { className: "panel", "aria-labelledby": "rated-heading" },
      h("div", { className: "head" },
        h("h2", { id: "rated-heading" }, heading), h("p", { className: "soft" }, "Drag one: what if?")),
      this.#bar, this.#empty, this.#list, this.#more);
  }

  /** Show ratings, newest first, after those shown. */
  add({ ratings, next_cursor: cursor }) {
    for (const rating of ratings) if (!this.#rows.has(rating.item_id)) this.#put(rating, "append");
    this.cursor = cursor;
    this.#more.hidden = !cursor;
    this.#tell();
  }

  /** Show a rating just stored; it comes first. */
  set(item, value) {
    this.unset(item);
    this.#put({ ...item, title: titleOf(item), value, rated_at: new Date().toISOString() }, "prepend");
    this.#tell();
  }

  unset({ item_id: id }) {
    this.#rows.get(id)?.element.remove();
    this.#rows.delete(id);
    this.#tell();
  }

  valueOf = id => this.#rows.get(id)?.rating.value ?? null;

  /** Give what is tried out as the API takes it; null: nothing. */
  get changes() {
    const rows = [...this.#rows.values()];
    const remove = rows.filter(row => row.isOut()).map(row => row.rating.item_id);
    const set = rows.filter(row => !row.isOut() && row.value() !== row.rating.value)
      .map(row => ({ item_id: row.rating.item_id, value: row.value() }));
    return set.length || remove.length ? { set, remove } : null;
  }

  /** Say what would move. */
  tell(moves) {
    this.#bar.hidden = !this.changes;
    const shown = moves.slice(0, MOVES_SHOWN).map(inWords);
    const more = moves.length - shown.length;
    this.#moves.textContent = moves.length ? `${shown.join(", ")}${more > 0 ? ` and ${more} more` : ""}.` : "No place changes.";
  }

  reset() {
    for (const row of this.#rows.values()) row.reset();
    this.#bar.hidden = true;
  }

  #tell() {
    this.#empty.hidden = this.#rows.size > 0;
  }

  #put(rating, where) {
    const row = this.#row(rating);
    this.#rows.set(rating.item_id, row);
    this.#list[where](row.element);
  }

  #row(rating) {
    const title = titleOf(rating);
    const said = h("b", { className: "value" });
    const slider = h("input", { type: "range", ...scale, "aria-label": `What if: ${title}` });
    const out = button("Leave out", () => { out.setAttribute("aria-pressed", !isOut()); tell(); this.ontry(); },
      { className: "quiet", "aria-label": `What if ${title} were left out` });
    const remove = button("Remove", () => this.onremove(rating),
      { className: "quiet", "aria-label": `Remove the rating of ${title}` });
    const element = h("li", { "data-item": rating.item_id },
      h("a", { href: `#/items/${encodeURIComponent(rating.item_id)}` }, title), h("div", { className: "try" }, slider, said),
      when(rating.rated_at), h("div", { className: "buttons" }, out, remove));
    const isOut = () => out.getAttribute("aria-pressed") === "true";
    const value = () => +slider.value;
    const tell = () => {
      const changed = isOut() || value() !== rating.value;
      element.classList.toggle("changed", changed);
      if (changed) said.replaceChildren(h("s", {}, format(rating.value)), isOut() ? " –" : ` ${format(value())}`);
      else said.textContent = format(rating.value);
      slider.setAttribute("aria-valuetext", `${format(value())} of ${format(scale.max)}`);
      slider.disabled = isOut();
    };
    const reset = () => { slider.value = rating.value; out.setAttribute("aria-pressed", "false"); tell(); };
    slider.oninput = () => { tell(); this.ontry(); };
    reset();
    return { rating, element, isOut, value, reset };
  }
}

const inWords = ({ title, before, after }) => before ? `${title} ${before} → ${after}` : `${title} new at ${after}`;

/** Give a time of day for today, else the day; the exact moment is in the title. */
function when(text) {
  const moment = new Date(text);
  const isToday = moment.toDateString() === new Date().toDateString();
  const shown = isToday ? `today, ${TIME.format(moment)}` : DAY.format(moment);
  return h("time", { dateTime: text, title: EXACT.format(moment) }, shown);
}
