/** A question that must be answered before something is lost. */

import { part } from "./dom.js";

/**
 * @param {string} question
 * @param {string} yes
 * @returns {Promise<boolean>}
 */
export function ask(question, yes) {
  const dialog = part("ask", HTMLDialogElement);
  part("ask-question", HTMLElement).textContent = question;
  part("ask-yes", HTMLElement).textContent = yes;
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}
