/**
 * Lies beside the page. `stylize web` writes the line that stands before this: PRECACHE, which has
 * a text that changes with the content, and the addresses of all files: `page`, which are fetched
 * at once, and `later`, which are kept when they are first asked for.
 */

/**
 * What is used of a service worker; TypeScript's own types of workers exclude those of pages.
 *
 * @typedef {Event & {waitUntil(work: Promise<void>): void}} Lasting
 * @typedef {Event & {request: Request, respondWith(answer: Promise<Response>): void}} Fetching
 */

/** @type {{version: string, page: string[], later: string[]}} */
const precache = Reflect.get(globalThis, "PRECACHE");

/** @type {{skipWaiting(): Promise<void>, clients: {claim(): Promise<void>}} & Window} */
const worker = /** @type {any} */ (globalThis);

const SCOPE = new URL("./", worker.location.href);
const NAME = `stylize ${SCOPE.pathname} ${precache.version}`;
const KNOWN = new Set([...precache.page, ...precache.later].map(address));

/** @param {string} path */
function address(path) {
  return new URL(path, SCOPE).href;
}

worker.addEventListener("install", (given) => {
  const event = /** @type {Lasting} */ (given);
  event.waitUntil(
    (async () => {
      const cache = await caches.open(NAME);
      const requests = precache.page.map((path) => new Request(address(path), { cache: "reload" }));
      await cache.addAll(requests);
      await worker.skipWaiting();
    })(),
  );
});

worker.addEventListener("activate", (given) => {
  const event = /** @type {Lasting} */ (given);
  event.waitUntil(
    (async () => {
      const old = (await caches.keys()).filter(
        (name) => name.startsWith(`stylize ${SCOPE.pathname} `) && name !== NAME,
      );
      await Promise.all(old.map((name) => caches.delete(name)));
      await worker.clients.claim();
    })(),
  );
});

worker.addEventListener("fetch", (given) => {
  const event = /** @type {Fetching} */ (given);
  const url = new URL(event.request.url);
  url.search = url.hash = "";
  if (url.href === SCOPE.href) url.pathname += "index.html";
  if (event.request.method === "GET" && KNOWN.has(url.href)) event.respondWith(answer(url.href));
});

/**
 * Answer with what is kept, or fetch and keep it. All answers isolate the page from others.
 *
 * @param {string} url
 */
async function answer(url) {
  const cache = await caches.open(NAME);
  let found = await cache.match(url);
  if (!found) {
    found = await fetch(url, { cache: "no-cache" });
    if (found.ok) await cache.put(url, found.clone());
  }
  const headers = new Headers(found.headers);
  headers.set("Cross-Origin-Opener-Policy", "same-origin");
  headers.set("Cross-Origin-Embedder-Policy", "require-corp");
  headers.set("Cross-Origin-Resource-Policy", "same-origin");
  return new Response(found.body, { status: found.status, statusText: found.statusText, headers });
}
