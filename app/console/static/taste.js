// Whose list it is: a stored user's, or a guest's, whose ratings stay in this tab.

import { call, query, userPath } from "./api.js";

const GUEST = "palate-guest";
const USER = "palate-user";

/** Give the person this tab rates as. */
export function me() {
  const id = sessionStorage.getItem(USER);
  return id === null ? new Guest() : new User(id);
}

export const become = id => id === null ? sessionStorage.removeItem(USER) : sessionStorage.setItem(USER, id);

/** A user whose ratings the server stores. */
export class User {
  isGuest = false;
  #writes = Promise.resolve();

  constructor(id) {
    this.id = id;
    this.path = userPath(id);
  }

  ratings(cursor) {
    return call("GET", `${this.path}/ratings${query({ limit: 50, ...(cursor && { cursor }) })}`);
  }

  rate(item, value) {
    return this.#write(() => call("PUT", this.#rating(item), { body: { value } }));
  }

  remove(item) {
    return this.#write(() => call("DELETE", this.#rating(item)));
  }

  recommend(options, cursor, signal) {
    return call("GET", `${this.path}/recommendations${query({ ...options, ...(cursor && { cursor }) })}`, { signal });
  }

  /** Give the list as it would be, and at which places items stand now. */
  async whatIf(changes, options, signal) {
    const { before, after, moves } = await call("POST", `${this.path}/what-if`, { body: { ...changes, ...options }, signal });
    const further = moves.filter(move => move.before).map(move => [move.item_id, move.before]);
    return { answer: after, before: new Map([...placesOf(before), ...further]) };
  }

  questions(limit, block, signal) {
    return call("GET", `${this.path}/questions${query({ limit, block })}`, { signal });
  }

  predict(itemIds, signal) {
    return call("GET", `${this.path}/predictions${query({ item_id: itemIds })}`, { signal });
  }

  #rating(item) {
    return `${this.path}/ratings/${encodeURIComponent(item.item_id)}`;
  }

  /** Write one after the other, so that the last one wins. */
  #write(work) {
    const done = this.#writes.then(work);
    this.#writes = done.catch(() => {});
    return done;
  }
}

/** Somebody without an account: his ratings travel with every call, and the server stores nothing. */
export class Guest {
  isGuest = true;
  id = null;

  get stored() {
    return JSON.parse(sessionStorage.getItem(GUEST) ?? "[]");
  }

  async ratings() {
    return { ratings: this.stored, next_cursor: null };
  }

  async rate({ item_id, title }, value) {
    const rating = { item_id, title, value, rated_at: new Date().toISOString() };
    this.#keep([rating, ...this.stored.filter(each => each.item_id !== item_id)]);
  }

  async remove(item) {
    this.#keep(this.stored.filter(each => each.item_id !== item.item_id));
  }

  recommend(options, cursor, signal) {
    return this.#post("/v1/recommendations", this.stored, { ...options, ...(cursor && { cursor }) }, signal);
  }

  async whatIf({ set, remove }, options, signal) {
    const gone = new Set([...remove, ...set.map(each => each.item_id)]);
    const ratings = [...set, ...this.stored.filter(each => !gone.has(each.item_id))];
    const [before, answer] = await Promise.all(
      [this.stored, ratings].map(each => this.#post("/v1/recommendations", each, options, signal)));
    return { answer: { ...answer, next_cursor: null }, before: placesOf(before) };
  }

  questions(limit, block, signal) {
    return this.#post("/v1/questions", this.stored, { limit, block }, signal);
  }

  predict(itemIds, signal) {
    return this.#post("/v1/predictions", this.stored, { item_ids: itemIds }, signal);
  }

  /** Make the guest's ratings a user's. */
  async mergeInto(id) {
    if (this.stored.length) await call("POST", `${userPath(id)}/merge`, { body: { ratings: this.stored.map(dated) } });
    sessionStorage.removeItem(GUEST);
  }

  #keep(ratings) {
    sessionStorage.setItem(GUEST, JSON.stringify(ratings));
  }

  #post(path, ratings, more, signal) {
    return call("POST", path, { body: { ratings: ratings.map(plain), ...more }, signal });
  }
}

/** Give the place of each item of a list, from 1. */
export const placesOf = ({ items }) => new Map(items.map((item, place) => [item.item_id, place + 1]));

const plain = ({ item_id, value }) => ({ item_id, value });
const dated = ({ item_id, value, rated_at }) => ({ item_id, value, rated_at });
