// What the catalogue says about items, kept once read.

import { call, query } from "./api.js";

const AT_ONCE = 50; // ids of one call
const FIRST = 1000; // items whose categories and attributes are offered as filters
const known = new Map();
let first = null;

/** Read what is not known yet of these items. */
export async function learn(ids, signal) {
  const missing = [...new Set(ids)].filter(id => !known.has(id));
  for (let start = 0; start < missing.length; start += AT_ONCE) {
    const some = missing.slice(start, start + AT_ONCE);
    keep((await call("GET", `/v1/items${query({ limit: AT_ONCE, item_id: some })}`, { signal })).items);
  }
}

/** Read the first items of the catalogue, once. */
export function learnCatalogue() {
  first ??= call("GET", `/v1/items${query({ limit: FIRST })}`).then(({ items }) => keep(items), () => { first = null; });
  return first;
}

function keep(items) {
  for (const item of items) known.set(item.item_id, item);
}

export const details = id => known.get(id) ?? { title: null, categories: [], attributes: {} };
export const titleOf = item => item.title ?? details(item.item_id).title ?? item.item_id;

/** Describe an item in a line: its year and categories. */
export function describe(id) {
  const { categories, attributes } = details(id);
  const year = typeof attributes.year === "number" ? [attributes.year] : [];
  return [...year, categories.join(", ")].filter(Boolean).join(" · ");
}

/** Give the categories of what is known, the most frequent first. */
export function categories() {
  const counts = new Map();
  for (const item of known.values()) for (const each of item.categories) counts.set(each, (counts.get(each) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0])).map(([name]) => name);
}

/** Give the range of an attribute that is a number, or null if items do not have it. */
export function rangeOf(attribute) {
  const values = [...known.values()].map(item => item.attributes[attribute]).filter(Number.isFinite);
  return values.length ? { min: Math.min(...values), max: Math.max(...values) } : null;
}
