/**
 * The service worker: it makes the page work offline, and isolates it, which threads need.
 */

const RELOADED = "stylize reloaded to be isolated";

/**
 * Install the service worker, and reload the page once, if it is only isolated then.
 *
 * @returns {Promise<void>} Does not end if the page is reloaded.
 */
export async function isolate() {
  if (!("serviceWorker" in navigator)) return; // the page was opened by plain http
  try {
    await navigator.serviceWorker.register("service-worker.js", { scope: "./" });
  } catch {
    return; // private windows of some browsers; the page works without
  }
  if (globalThis.crossOriginIsolated || sessionStorage.getItem(RELOADED)) {
    sessionStorage.removeItem(RELOADED);
    return;
  }
  await navigator.serviceWorker.ready;
  sessionStorage.setItem(RELOADED, "yes");
  location.reload();
  await new Promise(() => {});
}
