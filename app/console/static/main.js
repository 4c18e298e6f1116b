// Which page an address shows.

import { isAbort } from "./api.js";
import { at, h } from "./dom.js";
import { item } from "./item.js";
import { failure, hide } from "./notice.js";
import { home, user, users } from "./pages.js";
import { reports } from "./reports.js";
import { askForKeys, showWho } from "./who.js";

const PAGES = [
  [/^#\/users\/(.+)$/, user], [/^#\/users\/?$/, users], [/^#\/items\/(.+)$/, item], [/^#\/reports$/, reports], [/.*/, home],
];

let turns = 0;

async function show() {
  const turn = ++turns;
  const put = (...parts) => { if (turn === turns) at("main").replaceChildren(...parts); };
  const [pattern, page] = PAGES.find(([each]) => each.test(location.hash));
  for (const link of document.querySelectorAll("nav a")) mark(link);
  hide();
  showWho(show);
  try {
    const id = decodeURIComponent(pattern.exec(location.hash)[1] ?? "");
    document.title = id ? `${id} · Palate` : "Palate";
    await page(put, id);
  } catch (error) {
    if (!isAbort(error)) put(h("div", { className: "panel" }, failure(error, show)));
  }
}

function mark(link) {
  const here = ["#/users", "#/reports"].find(each => location.hash.startsWith(each)) ?? "#/";
  if (link.getAttribute("href") === here) link.setAttribute("aria-current", "page");
  else link.removeAttribute("aria-current");
}

askForKeys();
addEventListener("hashchange", async () => {
  await show();
  scrollTo(0, 0);
  if (!at("main").contains(document.activeElement)) at("main").focus({ preventScroll: true });
});
show();
