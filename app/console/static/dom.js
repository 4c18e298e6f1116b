// Elements without a framework.

/** Make an element. What is a property of it is set as one, all else as an attribute; null and false are left out. */
export function h(name, more = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(more)) {
    if (value === null || value === undefined || value === false) continue;
    if (key in element && !key.startsWith("aria")) element[key] = value;
    else element.setAttribute(key, value);
  }
  element.append(...children.filter(child => child !== null && child !== undefined && child !== ""));
  return element;
}

/** Make a button that is not a form's. */
export const button = (text, onclick, more = {}) => h("button", { type: "button", onclick, ...more }, text);

export const at = id => document.getElementById(id);

let lastId = 0;
/** Make an id that no other element has. */
export const newId = () => `e${++lastId}`;

/** Say "1 rating", "2 ratings". */
export const count = (number, noun) => `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;

/** Write a signed number, with digits enough that it is not 0. */
export function signed(number, digits = 2) {
  const size = Math.abs(number);
  const shown = size >= 10 ** -digits || size === 0 ? size.toFixed(digits) : size.toPrecision(1);
  return `${number < 0 ? "−" : "+"}${shown}`;
}

/** Wait until the browser has drawn what was just changed. */
export const drawn = () => new Promise(resolve => requestAnimationFrame(() => setTimeout(resolve)));
