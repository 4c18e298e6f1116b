// What becomes of the lists that a stored user sees: reported to POST /v1/events.

import { call } from "./api.js";

const SEEN_MS = 1000; // a list that stands for so long was seen

/** Reports what was shown, clicked and rated. A key that may not store stops it, and nothing else depends on it. */
export class Outcomes {
  #answers = new Map();
  #timer = null;
  #isOn = true;

  /** A list stands there; `more`: under what stood there before. */
  shown({ recommendation_id: id, items }, more = false) {
    if (!more) this.#answers.clear();
    for (const item of items) this.#answers.set(item.item_id, id);
    if (!more) clearTimeout(this.#timer);
    const report = () => document.visibilityState === "visible" && this.#report({ recommendation_id: id, type: "impression" });
    this.#timer = setTimeout(report, SEEN_MS);
  }

  /** An item of the list was opened or, with a value, rated. */
  acted(type, itemId, value) {
    const id = this.#answers.get(itemId);
    if (id) this.#report({ recommendation_id: id, type, item_id: itemId, ...(value !== undefined && { value }) });
  }

  async #report(event) {
    if (!this.#isOn) return;
    await call("POST", "/v1/events", { body: [event] }).catch(() => { this.#isOn = false; });
  }
}
