/** The controls of the options, made of the engine's fields. */

import { make } from "./dom.js";
import { plain, short } from "./words.js";

/** @import { Field, Value, Values } from "./engine.js" */

/**
 * @typedef {object} Control
 * @property {Field} field
 * @property {HTMLInputElement | HTMLSelectElement} input
 * @property {HTMLElement} element The input, with its label and its help.
 * @property {(value: Value | null) => void} set
 */

const STEPS = 120;
/** Positions of a slider. */
const FINEST = 100;
/** So much may lie between two of them, as of no seed. */

export class Form extends EventTarget {
  /** @type {Control[]} */
  #controls;

  /**
   * @param {Field[]} fields
   * @param {Record<Field["group"], HTMLElement>} places
   */
  constructor(fields, places) {
    super();
    this.#controls = fields.map(control);
    for (const { field, element } of this.#controls) places[field.group].append(element);
    for (const place of Object.values(places)) {
      place.addEventListener("input", () => this.#changed());
    }
    this.set({});
  }

  /** What differs from the defaults. */
  get values() {
    /** @type {Values} */
    const values = {};
    for (const { field, input } of this.#controls) {
      const value = read(field, input);
      if (value !== null && value !== field.default) values[field.name] = value;
    }
    return values;
  }

  /** @param {Values} values */
  set(values) {
    for (const { field, set } of this.#controls) set(values[field.name] ?? field.default);
    this.#changed();
  }

  #changed() {
    for (const { field, input, element } of this.#controls) {
      const value = read(field, input);
      element.classList.toggle("changed", value !== null && value !== field.default);
    }
    this.dispatchEvent(new Event("change"));
  }
}

/**
 * @param {Field} field
 * @param {HTMLInputElement | HTMLSelectElement} input
 * @returns {Value | null}
 */
function read({ kind }, input) {
  if (kind === "switch") return /** @type {HTMLInputElement} */ (input).checked;
  if (input.value.trim() === "") return null;
  return kind === "number" || kind === "integer" ? Number(input.value) : input.value.trim();
}

/**
 * @param {Field} field
 * @returns {Control}
 */
function control(field) {
  const id = `option-${field.name}`;
  const help = make("p", { className: "help", id: `${id}-help`, textContent: field.help });
  const label = make("label", { htmlFor: id, textContent: field.label });
  const properties = { id, "aria-describedby": help.id };
  const input = field.choices ? choice(field.choices, properties) : entry(field, properties);
  const slider = input instanceof HTMLInputElement ? sliderOf(field, input) : null;
  const parts = [label, why(field.label, help), input, ...(slider ? [slider] : []), help];
  const element = make("div", { className: "field" }, ...parts);
  const set = (/** @type {Value | null} */ value) => {
    if (field.kind === "switch") Object.assign(input, { checked: Boolean(value) });
    else input.value = String(value ?? "");
    slider?.dispatchEvent(new Event("follow"));
  };
  return { field, input, element, set };
}

/**
 * Make a button that shows and hides a help text. Screen readers read it with the input.
 *
 * @param {string} label
 * @param {HTMLElement} help
 */
function why(label, help) {
  help.hidden = true;
  const properties = { "aria-label": `About ${label}`, "aria-controls": help.id };
  const button = make("button", { ...properties, type: "button", className: "why" }, "?");
  button.ariaExpanded = "false";
  button.addEventListener("click", () => {
    help.hidden = !help.hidden;
    button.ariaExpanded = String(!help.hidden);
  });
  return button;
}

/**
 * @param {string[]} choices
 * @param {Record<string, unknown>} properties
 */
const choice = (choices, properties) =>
  make("select", properties, ...choices.map((each) => new Option(plain(each), each)));

/**
 * @param {Field} field
 * @param {Record<string, unknown>} properties
 */
function entry({ kind, minimum, maximum, default: usual }, properties) {
  if (kind === "switch") return make("input", { ...properties, type: "checkbox" });
  if (kind === "text") return make("input", { ...properties, type: "text", autocomplete: "off" });
  return make("input", {
    ...properties,
    type: "number",
    required: usual !== null,
    placeholder: usual === null ? "auto" : "",
    min: minimum ?? "",
    max: maximum ?? "",
    step: kind === "integer" ? "1" : "any",
  });
}

/**
 * Make a slider that moves a number, where the number has bounds.
 *
 * @param {Field} field
 * @param {HTMLInputElement} input
 */
function sliderOf(field, input) {
  const { minimum, maximum, default: usual } = field;
  if (input.type !== "number" || minimum === null || maximum === null) return null;
  const multiplies = field.scale === "log" && minimum > 0;
  if (!multiplies && maximum - minimum > FINEST * STEPS) return null;
  const scale = multiplies ? logarithmic : linear;
  const [toPosition, toValue] = scale(minimum, maximum);
  const home = usual === null ? STEPS / 2 : Math.round(toPosition(Number(usual)));
  const slider = make("input", {
    type: "range",
    min: "0",
    max: String(STEPS),
    "aria-label": `${field.label}, slider`,
  });
  const follow = () => {
    slider.value = String(input.value ? toPosition(Number(input.value)) : home);
    slider.ariaValueText = input.value || "auto";
  };
  slider.addEventListener("follow", follow);
  input.addEventListener("input", follow);
  slider.addEventListener("input", () => {
    const position = Number(slider.value);
    const value = Math.min(maximum, Math.max(minimum, rounded(toValue(position), field.kind)));
    input.value = position === home ? String(usual ?? "") : String(value);
    slider.ariaValueText = input.value || "auto";
  });
  return slider;
}

/** @typedef {[(value: number) => number, (position: number) => number]} Scale */

/** @param {number} least @param {number} most @returns {Scale} */
const linear = (least, most) => [
  (value) => (STEPS * (value - least)) / (most - least),
  (position) => least + ((most - least) * position) / STEPS,
];

/** @param {number} least @param {number} most @returns {Scale} */
const logarithmic = (least, most) => [
  (value) => (STEPS * Math.log(value / least)) / Math.log(most / least),
  (position) => least * (most / least) ** (position / STEPS),
];

/** @param {number} value @param {Field["kind"]} kind */
function rounded(value, kind) {
  const two = Number(value.toPrecision(2));
  return kind === "integer" ? Math.round(two) : Number(short(two));
}
