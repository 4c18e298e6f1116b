// The declared scale of ratings, and how it is best shown.

const { min, max, step } = JSON.parse(document.querySelector('meta[name="palate-scale"]').content);
const num = Math.round((max - min) / step) + 1;
const digits = (String(step).split(".")[1] ?? "").length;
const tidy = value => +value.toFixed(6);

export const scale = { min, max, step };
export const values = Array.from({ length: num }, (_, place) => tidy(min + place * step));

/** Stars where values are stars or halves of them, a row of numbers where they are few, else a slider. */
export const look = stars() ? "stars" : num <= 11 ? "numbers" : "slider";

function stars() {
  return Number.isInteger(max) && max >= 3 && max <= 7 && min > 0 && min <= 1 && (step === 1 || step === 0.5);
}

/** Write a rating as people write it: 4, 4.5. */
export const format = value => String(tidy(value));
/** Write a predicted rating: a digit more than the scale has. */
export const predicted = value => value.toFixed(max - min > 20 ? digits : Math.max(1, digits));
/** Give the nearest rating there is. */
export const nearest = value => tidy(min + Math.round((Math.min(max, Math.max(min, value)) - min) / step) * step);
