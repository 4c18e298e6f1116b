// Why an item is where it is: exact effects of ratings, as signed bars.

import { h, signed } from "./dom.js";
import { format } from "./scale.js";

const SHOWN = 3; // causes beside an item; the table has all
const LEAST = 0.03; // share of the list's largest effect that a cause beside an item has
const EXACT = "What the item has with the rating, less what it has without it: the model is asked again, so this is exact. "
  + "The score orders the list.";

/** Give the largest effect of a list, for bars that compare. */
export function largestEffect(items) {
  const effects = items.flatMap(item => (item.because ?? []).map(cause => Math.abs(cause.effect)));
  return Math.max(...effects, Number.MIN_VALUE);
}

/** Explain one item; null where no rating moved it. */
export function reasons(item, largest) {
  if (!item.because?.length) return null;
  const size = cause => Math.abs(cause.effect);
  const worth = item.because.filter(cause => size(cause) >= LEAST * largest);
  const strongest = worth.sort((a, b) => size(b) - size(a)).slice(0, SHOWN);
  strongest.sort((a, b) => b.effect - a.effect);
  return [
    h("summary", {}, h("span", { className: "causes" }, ...strongest.map(cause => chip(cause, largest)))),
    table(item),
  ];
}

function chip(cause, largest) {
  const bar = h("span", { className: `bar ${direction(cause.effect)}` });
  bar.style.setProperty("--size", Math.abs(cause.effect) / largest);
  const effect = h("span", { className: `effect ${direction(cause.effect)}` }, signed(cause.effect));
  const name = h("span", { className: "name" }, cause.title ?? cause.item_id);
  return h("span", { className: "cause" }, name, " ", h("b", {}, format(cause.value)), bar, effect);
}

const direction = effect => effect < 0 ? "down" : "up";

function table(item) {
  const rows = item.because.map(cause => row(`${cause.title ?? cause.item_id}, ${format(cause.value)}`, cause));
  const together = item.because_together;
  if (together?.num_ratings > 1) rows.push(row(`the ${together.num_ratings} that raised it, together`, together));
  const head = h("tr", {}, ...["Your rating", "predicted rating", "score"].map(name => h("th", { scope: "col" }, name)));
  return h("div", { className: "exact" },
    h("table", {}, h("thead", {}, head), h("tbody", {}, ...rows)),
    h("p", {}, EXACT));
}

function row(name, cause) {
  const cell = effect => h("td", { className: direction(effect) }, signed(effect, 3));
  return h("tr", {}, h("th", { scope: "row" }, name), cell(cause.effect), cell(cause.score_effect));
}
