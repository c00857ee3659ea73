/** Few words for making elements and finding those of index.html. */

import { readable } from "./words.js";

/**
 * Find an element of index.html.
 *
 * @template {Element} E
 * @param {string} id
 * @param {new () => E} kind
 * @returns {E}
 */
export function part(id, kind) {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`index.html has no ${kind.name} called ${id}.`);
  return found;
}

/**
 * Make an element. What is no property of it, as `aria-label`, becomes an attribute.
 *
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, unknown>} [properties]
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in element) Object.assign(element, { [name]: value });
    else element.setAttribute(name, String(value));
  }
  element.append(...children);
  return element;
}

/**
 * Show a sentence where it belongs, or nothing.
 *
 * @param {HTMLElement} place
 * @param {unknown} [error]
 */
export function tell(place, error) {
  place.textContent = readable(error instanceof Error ? error.message : String(error ?? ""));
  place.hidden = !place.textContent;
}

/**
 * Let a button do one thing at a time, and tell why it could not.
 *
 * @param {HTMLButtonElement} button
 * @param {HTMLElement} place Where the sentence goes.
 * @param {() => Promise<unknown>} action
 */
export function onPress(button, place, action) {
  button.addEventListener("click", () => attempt(button, place, action));
}

/**
 * @param {HTMLButtonElement} button
 * @param {HTMLElement} place
 * @param {() => Promise<unknown>} action
 */
export async function attempt(button, place, action) {
  if (button.ariaBusy === "true") return;
  button.ariaBusy = "true"; // a disabled button would lose the focus
  tell(place);
  try {
    await action();
  } catch (error) {
    tell(place, error);
  } finally {
    button.ariaBusy = null;
  }
}
