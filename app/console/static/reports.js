// What became of the answers, as far as it was reported.

import { call, query } from "./api.js";
import { h } from "./dom.js";

const GROUPS = { version: "Model version", source: "Source", position: "Position", list: "List" };
const RATES = { click_through: "clicked", rating: "rated", conversion: "bought", hit: "of use" };
const percent = share => `${(100 * share).toFixed(1)} %`;

/** Show rates by version, source, position or list. */
export async function reports(put) {
  const place = h("div", { className: "wide", role: "region", "aria-label": "Rates", tabIndex: 0 });
  const choice = h("select", { id: "by" }, ...Object.entries(GROUPS).map(([value, name]) => h("option", { value }, name)));
  const show = async () => {
    const { lines } = await call("GET", `/v1/reports${query({ by: choice.value })}`);
    place.replaceChildren(lines.length ? table(choice.value, lines) : h("p", { className: "soft" }, "Nothing was shown yet."));
  };
  choice.onchange = show;
  await show();
  put(h("div", { className: "lead" }, h("h1", {}, "What became of the lists"),
    h("p", {}, "This page reports what a stored user saw, opened and rated on it, as your application would. Shares are of what "
      + "was shown, with their 95 % intervals; a list was of use if anything of it was clicked, rated or bought.")),
  h("section", { className: "panel" }, h("label", { className: "by" }, "By", choice), place));
}

function table(by, lines) {
  const head = [GROUPS[by], "Lists", ...Object.values(RATES)].map(name => h("th", { scope: "col" }, name));
  const rows = lines.map(line => h("tr", {}, h("th", { scope: "row" }, line[by] ?? "none"), h("td", {}, line.num_answers),
    ...Object.keys(RATES).map(name => rate(line[name]))));
  return h("table", { className: "report" }, h("thead", {}, h("tr", {}, ...head)), h("tbody", {}, ...rows));
}

function rate({ numerator, denominator, rate: share, low, high }) {
  if (share === null) return h("td", {}, "–");
  return h("td", {}, percent(share), h("small", {}, `${percent(low)} to ${percent(high)}; ${numerator} of ${denominator}`));
}
