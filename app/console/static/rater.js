// The control that rates: stars, numbers or a slider, as the scale wants it.

import { h, newId } from "./dom.js";
import { format, look, scale, values } from "./scale.js";

const PAUSE_MS = 350; // with the keyboard one passes values on the way to another

/**
 * Make a control to rate with. `onrate(value, moment)` is called with the moment of the click.
 * `show(value, predicted)` changes what it shows; null: nothing.
 */
export function rater({ label, value = null, predicted = null, onrate }) {
  const control = look === "slider" ? sliding(label, onrate) : choosing(label, onrate);
  control.show(value, predicted);
  return control;
}

function choosing(label, onrate) {
  const name = newId();
  const choices = values.map(value => h("input", {
    type: "radio", name, value, className: "unseen", "aria-label": `${format(value)} of ${format(scale.max)}`,
  }));
  const steps = choices.map(choice => h("label", { className: "step" }, choice, look === "numbers" ? format(+choice.value) : ""));
  const control = h("div", { className: `rater ${look}`, role: "radiogroup", "aria-label": label }, ...steps);
  control.style.setProperty("--stars", scale.max);
  steps.forEach((step, place) => step.style.setProperty("--width", place ? scale.step : scale.min));
  let timer = null;
  let byKey = false;
  let checked = null;

  const mark = (name, upTo) => steps.forEach((each, place) => {
    each.classList.toggle(name, upTo !== null && values[place] <= upTo);
  });
  const fill = shown => {
    control.style.setProperty("--shown", shown ?? 0);
    if (look === "numbers") mark("on", shown);
  };
  control.addEventListener("keydown", () => { byKey = true; });
  control.addEventListener("pointerdown", () => { byKey = false; });
  control.addEventListener("pointerover", event => {
    const place = steps.indexOf(event.target.closest(".step"));
    if (place >= 0 && event.pointerType !== "touch") fill(values[place]);
  });
  control.addEventListener("pointerleave", () => fill(checked));
  control.addEventListener("change", event => {
    const moment = performance.now();
    checked = +event.target.value;
    fill(checked);
    clearTimeout(timer);
    if (byKey) timer = setTimeout(onrate, PAUSE_MS, checked, moment + PAUSE_MS);
    else onrate(checked, moment);
  });
  control.show = (value, predicted) => {
    checked = value;
    choices.forEach(choice => { choice.checked = value === +choice.value; });
    fill(value);
    const guess = value === null ? predicted : null;
    control.style.setProperty("--predicted", guess ?? 0);
    if (look === "numbers") mark("guessed", guess);
  };
  return control;
}

function sliding(label, onrate) {
  const said = h("b", { className: "value" }, "–");
  const slider = h("input", { type: "range", ...scale, "aria-label": label });
  const control = h("div", { className: "rater sliding" }, slider, said);
  slider.addEventListener("input", () => { said.textContent = format(+slider.value); });
  slider.addEventListener("change", () => onrate(+slider.value, performance.now()));
  control.show = (value, predicted) => {
    slider.value = value ?? predicted ?? (scale.min + scale.max) / 2;
    said.textContent = value === null ? "–" : format(value);
    control.classList.toggle("unset", value === null);
  };
  return control;
}
