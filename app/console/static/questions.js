// What to rate: the items whose rating would tell most, asked one after the other.

import { isAbort, latest } from "./api.js";
import { button, h } from "./dom.js";
import { reorder } from "./flip.js";
import { describe, learn, titleOf } from "./items.js";
import { failure } from "./notice.js";
import { rater } from "./rater.js";
import { format } from "./scale.js";

const SLOTS = 5;

/** Cards to rate. A card stays where it is until another one is rated. `onrate(item, value, moment)` stores a rating. */
export class Questions {
  #cards = [];
  #unknown = [];
  #rated = new Map();
  #latest = latest();
  #list = h("ol", { className: "cards" });
  #error = h("div");

  constructor(taste, onrate) {
    this.taste = taste;
    this.onrate = onrate;
    this.element = h("section", { className: "panel", "aria-labelledby": "ask-heading" },
      h("div", { className: "head" },
        h("h2", { id: "ask-heading" }, "Rate some"), h("p", { className: "soft" }, "Chosen to tell the most about you")),
      this.#error, this.#list);
  }

  /** Fill the places of those rated and those not known with new questions; `kept` keeps its place. */
  refresh(kept = null) {
    return this.#latest(async signal => {
      try {
        const isOpen = id => !this.#rated.has(id) && !this.#unknown.includes(id);
        const stay = this.#cards.filter(card => card.id === kept || isOpen(card.id));
        const { questions } = await this.taste.questions(SLOTS * 2, this.#unknown, signal);
        const fresh = questions.filter(each => !stay.some(card => card.id === each.item_id));
        await learn(fresh.map(each => each.item_id), signal);
        this.#fill(stay, fresh);
      } catch (error) {
        if (!isAbort(error)) this.#error.replaceChildren(failure(error, () => this.refresh(kept)));
      }
    });
  }

  /** Show a rating that was stored or removed. */
  mark(itemId, value) {
    if (value === null) this.#rated.delete(itemId);
    else this.#rated.set(itemId, value);
    this.#cards.find(card => card.id === itemId)?.show(value);
  }

  #fill(stay, fresh) {
    const slots = this.#cards.length ? this.#cards : Array(SLOTS).fill(null);
    const cards = slots.map(card => card && stay.includes(card) ? card : fresh.length ? this.#card(fresh.shift()) : null);
    while (cards.length < SLOTS && fresh.length) cards.push(this.#card(fresh.shift()));
    this.#cards = cards.filter(Boolean);
    const none = h("p", { className: "soft" }, "There is nothing to ask about: rate what is in the list.");
    this.#error.replaceChildren(this.#cards.length ? "" : none);
    reorder(this.#list, this.#cards.map(card => card.element));
  }

  #card(item) {
    const title = titleOf(item);
    const stars = rater({ label: `Rate ${title}`, onrate: (value, moment) => this.onrate(item, value, moment) });
    const skip = button("Don’t know it", () => { this.#unknown.push(item.item_id); this.refresh(); },
      { className: "quiet", "aria-label": `I do not know ${title}` });
    const said = h("small", { className: "rated" });
    const element = h("li", { "data-item": item.item_id },
      h("div", {}, h("b", {}, title), h("small", {}, describe(item.item_id))),
      h("div", { className: "answer" }, stars, said), skip);
    const show = value => {
      stars.show(value);
      said.textContent = value === null ? "" : `rated ${format(value)}`;
      skip.hidden = value !== null;
    };
    return { id: item.item_id, element, show };
  }
}
