// One person's list with what moves it: options, ratings, what-if, questions.

import { isAbort, latest } from "./api.js";
import { count, drawn, h } from "./dom.js";
import { learn, learnCatalogue, titleOf } from "./items.js";
import { List } from "./list.js";
import { offerUndo, say } from "./notice.js";
import { Options } from "./options.js";
import { Outcomes } from "./outcomes.js";
import { Questions } from "./questions.js";
import { Ratings } from "./ratings.js";
import { format } from "./scale.js";

const LIMIT = 10;

/** Controls and list of one person. */
export class Screen {
  #latest = latest();
  #version = null;
  #answer = null;

  constructor(taste, { asks, heading }) {
    this.taste = taste;
    this.outcomes = asks && !taste.isGuest ? new Outcomes() : null; // who looks at a user's page is not the user
    const rate = (item, value, moment) => this.rate(item, value, moment);
    this.list = new List({
      onrate: rate,
      onopen: item => this.outcomes?.acted("click", item.item_id),
      onmore: () => this.more(),
      onclear: () => this.options.clear(),
    });
    this.options = new Options(taste, () => this.refresh());
    this.questions = asks ? new Questions(taste, rate) : null;
    this.ratings = new Ratings({
      ontry: () => this.refresh(),
      onkeep: () => this.keep(),
      onremove: rating => this.remove(rating),
      onmore: () => this.moreRatings(),
    }, heading);
    this.list.element.prepend(this.options.element);
    this.element = h("div", { className: "columns" },
      this.questions?.element, this.list.element, this.ratings.element);
  }

  /** Whether the person has ever rated, as far as the last answer tells. */
  get isKnown() {
    return this.#answer !== null && this.#answer.revision !== null;
  }

  /** Fill it for the first time. */
  async load() {
    learnCatalogue().then(() => this.options.offer());
    await this.refresh();
    this.questions?.refresh();
    if (this.taste.isGuest || this.isKnown) await this.moreRatings();
  }

  /** Store a rating and show what it does; `moment` is when it was clicked. */
  async rate(item, value, moment = performance.now()) {
    const before = this.ratings.valueOf(item.item_id);
    const stored = await this.#attempt(() => this.taste.rate(item, value), () => this.rate(item, value));
    this.questions?.mark(item.item_id, stored ? value : before);
    if (!stored) return;
    this.outcomes?.acted("rating", item.item_id, value);
    this.ratings.set(item, value);
    const undo = () => before === null ? this.remove(item) : this.rate(item, before);
    offerUndo(`${titleOf(item)}: ${format(value)}`, undo);
    await this.refresh({ moment, about: `${titleOf(item)}: ${format(value)}.` });
    this.questions?.refresh(item.item_id);
  }

  async remove(item) {
    const value = this.ratings.valueOf(item.item_id);
    if (!await this.#attempt(() => this.taste.remove(item), () => this.remove(item))) return;
    this.ratings.unset(item);
    this.questions?.mark(item.item_id, null);
    offerUndo(`${titleOf(item)} is no longer rated.`, () => this.rate(item, value));
    await this.refresh({ moment: performance.now(), about: `${titleOf(item)} is no longer rated.` });
    this.questions?.refresh(item.item_id);
  }

  /** Store what was tried out. */
  async keep() {
    const { set, remove } = this.ratings.changes ?? { set: [], remove: [] };
    for (const { item_id: id, value } of set) {
      if (!await this.#attempt(() => this.taste.rate({ item_id: id, title: titleOf({ item_id: id }) }, value))) return;
      this.ratings.set({ item_id: id }, value);
    }
    for (const id of remove) {
      if (!await this.#attempt(() => this.taste.remove({ item_id: id }))) return;
      this.ratings.unset({ item_id: id });
    }
    this.ratings.reset();
    await this.refresh({ about: "It is stored." });
  }

  /** Ask for the list and show it; what was asked before no longer counts. */
  refresh({ moment = performance.now(), about = "" } = {}) {
    return this.#latest(async signal => {
      this.list.busy(true);
      try {
        const changes = this.ratings.changes;
        const { answer, before } = await this.#ask(changes, signal);
        await this.#show(answer, before, moment, about);
        this.list.busy(false);
        await this.#describe(answer, signal);
      } catch (error) {
        if (isAbort(error)) return;
        this.list.busy(false);
        this.list.fail(error, () => this.#answer ? this.refresh() : this.load());
      }
    });
  }

  /** Show the next page of the list that stands there. */
  more() {
    return this.#latest(signal => this.#attempt(async () => {
      const answer = await this.taste.recommend(this.#asked, this.#answer.next_cursor, signal);
      this.#answer = answer;
      this.list.append(answer);
      this.outcomes?.shown(answer, true);
      await this.#describe(answer, signal);
    }, () => this.refresh()));
  }

  /** Show the next page of the history. */
  moreRatings() {
    return this.#attempt(async () => this.ratings.add(await this.taste.ratings(this.ratings.cursor)), () => this.moreRatings());
  }

  get #asked() {
    return { limit: LIMIT, explain: true, ...this.options.asked };
  }

  async #ask(changes, signal) {
    if (changes) return this.taste.whatIf(changes, this.#asked, signal);
    return { answer: await this.taste.recommend(this.#asked, null, signal), before: null };
  }

  /** What is not known yet of the items comes after them: the list does not wait for it. */
  async #describe(answer, signal) {
    await learn(answer.items.map(item => item.item_id), signal);
    this.list.describe();
  }

  async #show(answer, before, moment, about) {
    const first = this.#answer === null;
    this.#answer = answer;
    const moved = this.list.show(answer, before, this.options.filters);
    if (!before) this.outcomes?.shown(answer);
    this.ratings.tell(this.list.moves);
    await drawn();
    if (first) return this.#exactness(answer);
    this.list.took(`${count(moved, "place")} changed in ${Math.round(performance.now() - moment)} ms`);
    say(`${about} ${moved} of ${count(answer.items.length, "place")} changed. First: ${this.list.first}.`);
    this.#exactness(answer);
  }

  /** Once for each model, ask how far its predictions are off. */
  async #exactness(answer) {
    if (!answer.items.length || answer.model_version === this.#version) return;
    this.#version = answer.model_version;
    const said = await this.taste.predict([answer.items[0].item_id]).catch(() => ({ mae: null }));
    this.list.exactness(said.mae);
  }

  /** Do it and tell whether it worked; a failure is shown with a way to try again. */
  async #attempt(work, retry) {
    try {
      await work();
      return true;
    } catch (error) {
      if (!isAbort(error)) this.list.fail(error, retry);
      return false;
    }
  }
}
