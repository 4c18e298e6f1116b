// Calls of the public API.

const KEY = "palate-key";
const ROOT = new URL("..", import.meta.url).pathname.slice(0, -1); // a proxy may show Palate below a path
let askForKey = async () => false;
let asking = null;

/** An error as the API tells it (RFC 9457), or status 0 where no answer came. */
export class Problem extends Error {
  constructor(status, said) {
    super(said.detail || said.title || `The server answered ${status}.`);
    this.status = status;
    this.type = said.type ?? "";
  }
}

/** Say who asks for a key: a function of the reason that resolves to whether one was entered. */
export const onKeyNeeded = ask => { askForKey = ask; };
export const setKey = key => sessionStorage.setItem(KEY, key);

/** Make a call; on 401 ask for a key and try again. Throws Problem, or AbortError. */
export async function call(method, path, { body, signal } = {}) {
  const key = sessionStorage.getItem(KEY);
  const headers = { ...(key && { "X-API-Key": key }), ...(body && { "Content-Type": "application/json" }) };
  const answer = await sent(path, { method, headers, signal, body: body && JSON.stringify(body) });
  const said = answer.status === 204 ? {} : await read(answer);
  if (answer.status === 401 && await keyEntered(key, said.detail)) return call(method, path, { body, signal });
  if (!answer.ok) throw new Problem(answer.status, said);
  return said;
}

async function sent(path, request) {
  try {
    return await fetch(ROOT + path, request);
  } catch (error) {
    if (isAbort(error)) throw error;
    throw new Problem(0, { detail: "The server cannot be reached. Is it running?" });
  }
}

async function read(answer) {
  try {
    return await answer.json();
  } catch (error) {
    if (isAbort(error)) throw error;
    return {};
  }
}

/** Several calls that need a key share one question. */
async function keyEntered(tried, reason) {
  if (sessionStorage.getItem(KEY) !== tried) return true;
  asking ??= askForKey(tried ? reason : "").finally(() => { asking = null; });
  return asking;
}

export const isAbort = error => error.name === "AbortError";

/** Make a runner that aborts what it ran before, so that only the latest answer counts. */
export function latest() {
  let controller = null;
  return work => {
    controller?.abort();
    controller = new AbortController();
    return work(controller.signal);
  };
}

export const userPath = id => `/v1/users/${encodeURIComponent(id)}`;
export const itemPath = id => `/v1/items/${encodeURIComponent(id)}`;

/** Write options as a query: lists repeat, objects are JSON. */
export function query(options) {
  const pairs = Object.entries(options).flatMap(([name, value]) => [value].flat().map(each => [name, each]));
  const texts = pairs.map(([name, value]) => [name, typeof value === "object" ? JSON.stringify(value) : value]);
  return texts.length ? `?${new URLSearchParams(texts)}` : "";
}
