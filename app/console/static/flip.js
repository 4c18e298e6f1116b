// Rows that glide to their new places (first, last, invert, play).

const calm = matchMedia("(prefers-reduced-motion: reduce)");
const GLIDE = { duration: 320, easing: "cubic-bezier(.2, .8, .2, 1)" };
const THERE = { opacity: 1, transform: "none" };

/** Make these rows a list's children, in this order; rows that stay glide, rows that come fade in, focus stays. */
export function reorder(list, rows) {
  const before = new Map([...list.children].map((row, place) => [row, { place, top: calm.matches ? 0 : top(row) }]));
  const focused = list.contains(document.activeElement) ? document.activeElement : null;
  list.replaceChildren(...rows);
  keepFocus(list, focused, before);
  if (calm.matches || !before.size) return;
  for (const row of rows) row.getAnimations().forEach(animation => animation.cancel());
  const after = rows.map(top);
  rows.forEach((row, place) => {
    const was = before.get(row);
    if (!was) row.animate([{ opacity: 0, transform: "translateX(1rem)" }, THERE], GLIDE);
    else if (was.top !== after[place]) row.animate([{ transform: `translateY(${was.top - after[place]}px)` }, THERE], GLIDE);
  });
}

const top = row => row.getBoundingClientRect().top;

/** Moving an element takes the focus from it. Where its row is gone, the row now in that place gets it. */
function keepFocus(list, focused, before) {
  if (!focused) return;
  if (focused.isConnected) return focused.focus({ preventScroll: true });
  const row = [...before.keys()].find(each => each.contains(focused));
  const heir = list.children[Math.min(before.get(row).place, list.children.length - 1)];
  heir?.querySelector("input, button, a, summary")?.focus({ preventScroll: true });
}
