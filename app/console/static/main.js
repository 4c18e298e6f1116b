// Which page an address shows.

import { isAbort } from "./api.js";
import { at, h } from "./dom.js";
import { failure } from "./notice.js";
import { home, item, user, users } from "./pages.js";
import { askForKeys, showWho } from "./who.js";

const PAGES = [
  [/^#\/users\/(.+)$/, user], [/^#\/users\/?$/, users], [/^#\/items\/(.+)$/, item], [/.*/, home],
];

async function show() {
  const main = at("main");
  const [pattern, page] = PAGES.find(([each]) => each.test(location.hash));
  const id = pattern.exec(location.hash)[1];
  for (const link of document.querySelectorAll("nav a")) mark(link);
  showWho(show);
  try {
    await page(main, id && decodeURIComponent(id));
    document.title = id ? `${decodeURIComponent(id)} · Palate` : "Palate";
  } catch (error) {
    if (!isAbort(error)) main.replaceChildren(h("div", { className: "panel" }, failure(error, show)));
  }
}

function mark(link) {
  const here = location.hash.startsWith("#/users") ? "#/users" : "#/";
  if (link.getAttribute("href") === here) link.setAttribute("aria-current", "page");
  else link.removeAttribute("aria-current");
}

askForKeys();
addEventListener("hashchange", async () => {
  await show();
  scrollTo(0, 0);
  at("main").focus({ preventScroll: true });
});
show();
