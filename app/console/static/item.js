// An item's page: what is expected of you, and items like it.

import { call, itemPath, query } from "./api.js";
import { h } from "./dom.js";
import { describe, details, learn, titleOf } from "./items.js";
import { failure } from "./notice.js";
import { rater } from "./rater.js";
import { format, predicted, scale } from "./scale.js";
import { me } from "./taste.js";

const NUM_SIMILAR = 10;

/** Show an item. */
export async function item(put, id) {
  await learn([id]);
  if (details(id).item_id === undefined) throw new Error(`There is no item ${id}.`);
  const { items } = await call("GET", `${itemPath(id)}/similar${query({ limit: NUM_SIMILAR })}`);
  await learn(items.map(each => each.item_id));
  const title = titleOf({ item_id: id });
  document.title = `${title} · Palate`;
  const opinion = new Opinion(me(), { item_id: id, title });
  await opinion.show();
  put(h("div", { className: "lead" }, h("h1", {}, title), h("p", {}, describe(id)), ...opinion.elements),
    h("section", { className: "panel", "aria-labelledby": "alike-heading" },
      h("h2", { id: "alike-heading" }, "More like it"), h("ol", { className: "alike" }, ...items.map(alike))));
}

function alike(item) {
  const link = h("a", { className: "title", href: `#/items/${encodeURIComponent(item.item_id)}` }, titleOf(item));
  return h("li", {}, link, h("small", {}, describe(item.item_id)));
}

/** What somebody thinks of an item, or would. */
class Opinion {
  #said = h("p", { className: "soft", role: "status" });

  constructor(taste, item) {
    Object.assign(this, { taste, item });
    this.stars = rater({ label: `Rate ${item.title}`, onrate: value => this.rate(value) });
    this.elements = [this.stars, this.#said];
  }

  async show() {
    const { predictions: [said] } = await this.taste.predict([this.item.item_id]);
    this.stars.show(said.rating, said.predicted_rating);
    if (said.rating !== null) this.#said.textContent = `You rated it ${format(said.rating)}.`;
    else if (said.predicted_rating === null) this.#said.textContent = said.reason_detail;
    else this.#said.textContent = `Predicted for you: ${predicted(said.predicted_rating)} of ${scale.max}.`;
  }

  async rate(value) {
    try {
      await this.taste.rate(this.item, value);
      await this.show();
    } catch (error) {
      this.#said.replaceChildren(failure(error, () => this.rate(value)));
    }
  }
}
