// What is asked for: filters, diversity, exploration.

import { button, h } from "./dom.js";
import { categories, rangeOf } from "./items.js";

const MOST_CATEGORIES = 24;
const YEAR = "year";
const NARROW = matchMedia("(max-width: 40rem)");
const SLIDERS = {
  diversity: ["Diversity", "How unlike each other the items are"],
  exploration: ["Exploration", "Share of the places for new items"],
};
const OF_STORED = { rotation: ["Rotation", "How far what was shown lately sinks"] };

/** The controls of someone's list; `onchange()` is called when one of them is used. */
export class Options {
  #categories = h("div", { className: "chips" });
  #from = this.#yearField("from");
  #to = this.#yearField("to");
  #years = h("div", { className: "years", role: "group", "aria-label": "Year", hidden: true },
    "Year", this.#from, "–", this.#to);
  #word = h("span");
  #num = h("span", { className: "num" });
  #bar = h("div", { className: "sliders" });
  #filters = h("details", { className: "filters" });
  #sliders;

  constructor(taste, onchange) {
    this.onchange = onchange;
    const offered = Object.entries({ ...SLIDERS, ...!taste.isGuest && OF_STORED });
    this.#sliders = offered.map(([name, words]) => this.#slider(name, ...words));
    const clear = button("Clear", () => this.clear());
    this.#bar.append(...this.#sliders);
    this.#filters.append(h("summary", {}, this.#word, this.#num),
      h("div", { role: "group", "aria-label": "Categories, any of them" }, this.#categories), this.#years, clear);
    this.element = h("div", { className: "options" }, this.#filters);
    this.#fit();
    NARROW.addEventListener("change", () => this.#fit());
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

  /** Give how many filters are set. */
  get filters() {
    return this.#checked().length + [this.#from, this.#to].filter(field => field.value).length;
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
    this.#num.textContent = this.filters ? ` (${this.filters})` : "";
    this.onchange();
  }

  /** On a narrow screen the list comes first: the sliders are with the filters. */
  #fit() {
    this.#word.textContent = NARROW.matches ? "Filters and diversity" : "Filters";
    if (NARROW.matches) this.#filters.append(this.#bar);
    else this.element.prepend(this.#bar);
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
    const box = h("input", { type: "checkbox", value: name, className: "unseen", onchange: () => this.#changed() });
    return h("label", { className: "chip" }, box, name);
  }

  #slider(name, title, help) {
    const said = h("b", {}, "0");
    const input = h("input", { type: "range", min: 0, max: 1, step: 0.1, value: 0, name, "aria-label": title });
    input.oninput = () => { said.textContent = input.value; this.#changed(); };
    return h("label", {}, h("span", {}, title, said), input, h("small", {}, help));
  }
}
