/** What a screen reader says by itself. */

import { part } from "./dom.js";

/** @param {string} sentence */
export function announce(sentence) {
  part("announcer", HTMLElement).textContent = sentence;
}
