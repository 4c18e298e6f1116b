// What is asked for: filters, diversity, exploration.

import { h, newId } from "./dom.js";
import { categories, rangeOf } from "./items.js";

const MOST_CATEGORIES = 24;
const YEAR = "year";
const SLIDERS = {
  diversity: ["Diversity", "How unlike each other the items are"],
  exploration: ["Exploration", "Share of the places for new items"],
};

/** The controls of a list; `onchange()` is called when one of them is used. */
export class Options {
  #categories = h("div", { className: "chips" });
  #from = this.#yearField("from");
  #to = this.#yearField("to");
  #years = h("div", { className: "years", role: "group", "aria-label": "Year", hidden: true }, "Year", this.#from, "–", this.#to);
  #num = h("span", { className: "num" });
  #sliders = Object.entries(SLIDERS).map(([name, words]) => this.#slider(name, ...words));

  constructor(onchange) {
    this.onchange = onchange;
    const clear = h("button", { type: "button", onclick: () => this.clear() }, "Clear");
    this.element = h("div", { className: "options" },
      h("div", { className: "sliders" }, ...this.#sliders),
      h("details", { className: "filters" },
        h("summary", {}, "Filters", this.#num),
        h("div", { role: "group", "aria-label": "Categories, any of them" }, this.#categories), this.#years, clear));
  }

  /** Give the options as the API takes them; what is not asked for is left out. */
  get asked() {
    const category = this.#checked().map(box => box.value);
    const year = { ...this.#year(this.#from, "gte"), ...this.#year(this.#to, "lte") };
    const sliders = this.#sliders.map(label => label.querySelector("input")).filter(each => +each.value);
    return {
      ...(category.length && { category }),
      ...(Object.keys(year).length && { attribute: [{ name: YEAR, ...year }] }),
      ...Object.fromEntries(sliders.map(each => [each.name, +each.value])),
    };
  }

  /** Offer what the catalogue has. */
  offer() {
    this.#categories.replaceChildren(...categories().slice(0, MOST_CATEGORIES).map(name => this.#chip(name)));
    const range = rangeOf(YEAR);
    this.#years.hidden = !range;
    if (range) for (const field of [this.#from, this.#to]) Object.assign(field, range);
    if (range) [this.#from.placeholder, this.#to.placeholder] = [range.min, range.max];
  }

  clear() {
    for (const box of this.#checked()) box.checked = false;
    this.#from.value = this.#to.value = "";
    this.#changed();
  }

  #changed() {
    const num = this.#checked().length + [this.#from, this.#to].filter(field => field.value).length;
    this.#num.textContent = num ? ` (${num})` : "";
    this.onchange();
  }

  #checked() {
    return [...this.#categories.querySelectorAll("input:checked")];
  }

  #year(field, end) {
    return field.value && field.validity.valid ? { [end]: +field.value } : {};
  }

  #yearField(end) {
    return h("input", { type: "number", inputMode: "numeric", "aria-label": `Year, ${end}`, onchange: () => this.#changed() });
  }

  #chip(name) {
    return h("label", { className: "chip" }, h("input", { type: "checkbox", value: name, className: "unseen", onchange: () => this.#changed() }), name);
  }

  #slider(name, title, help) {
    const said = h("output", {}, "0");
    const input = h("input", { type: "range", min: 0, max: 1, step: 0.1, value: 0, name, title: help });
    input.setAttribute("value", 0);
    input.value = 0;
    input.oninput = () => { said.textContent = input.value; this.onchange(); };
    const id = newId();
    input.id = id;
    return h("label", { htmlFor: id }, h("span", {}, title, said), input, h("small", {}, help));
  }
}
