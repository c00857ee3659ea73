/**
 * From what a visitor chose to the settings of each scale, as `runtime/method/scales.py` has them.
 *
 * @import { Field, Value, Values } from "../../engine.js"
 * @import { Model, Settings, Told } from "./told.js"
 */

/** @typedef {[number, number]} Size Width and height. */

/**
 * One scale.
 *
 * @typedef {object} Stage
 * @property {number} measured Pixels of the long side.
 * @property {Size} size
 * @property {number} paintingSize Pixels of a painting's long side.
 * @property {number} iterations
 */

/**
 * Return all settings, given those that were chosen.
 *
 * @param {Told} told
 * @param {Values} chosen
 * @returns {Settings}
 */
export function settingsOf(told, chosen) {
  const fields = new Map(told.fields.map((field) => [field.name, field]));
  /** @type {Values} */
  const read = {};
  for (const [name, value] of Object.entries(chosen)) {
    const field = fields.get(name);
    if (!field) throw new Error(`There is no option '${name}' here.`);
    if (value !== "") read[name] = valueOf(field, value);
  }
  const settings = { ...told.defaults, ...read };
  if (!settings.content_weight && !settings.style_weight) {
    throw new Error("Content and style weight are both 0; one must be more.");
  }
  settings.scales = scalesOf(settings.scales);
  return settings;
}

/**
 * @param {Told} told
 * @param {Settings} settings
 * @returns {Model}
 */
export function modelOf(told, settings) {
  const found = told.models.find(({ name }) => name === settings.model);
  if (settings.model && !found) throw new Error(`There is no model '${settings.model}' here.`);
  return found ?? told.models[0];
}

/**
 * @param {Field} field
 * @param {Value} value
 * @returns {Value}
 */
function valueOf(field, value) {
  const { kind, label, minimum, maximum, choices } = field;
  if (kind === "choice" && !choices?.includes(String(value))) {
    throw new Error(`${label} cannot be '${value}'. Choose one of ${choices?.join(", ")}.`);
  }
  if (kind === "switch") return value === true || value === "true";
  if (kind !== "number" && kind !== "integer") return String(value);
  const number = Number(value);
  if (!Number.isFinite(number) || (kind === "integer" && !Number.isInteger(number))) {
    throw new Error(`${label} is '${value}'; it must be ${wanted(kind)}.`);
  }
  if (minimum !== null && number < minimum) {
    throw new Error(`${label} is ${number}; it must be ${minimum} or more.`);
  }
  if (maximum !== null && number > maximum) {
    throw new Error(`${label} is ${number}; it must be ${maximum} or less.`);
  }
  return number;
}

/** @param {string} kind */
const wanted = (kind) => (kind === "integer" ? "a whole number" : "a number");

/** @param {string | number} scales */
function scalesOf(scales) {
  if (scales === "auto") return scales;
  const number = Number(scales);
  if (!Number.isInteger(number) || number < 1 || number > 12) {
    throw new Error(`Scales is '${scales}'; write auto, or how many: from 1 to 12.`);
  }
  return number;
}

/**
 * Return width and height so scaled that the long side has so many pixels.
 *
 * @param {Size} size
 * @param {number} pixels
 * @returns {Size}
 */
export function scaled(size, pixels) {
  const length = Math.max(...size);
  const [width, height] = size.map((each) => rounded((each * pixels) / length));
  return [width, height];
}

/**
 * Return each scale, from the coarsest to the picture's own.
 *
 * @param {Settings} settings
 * @param {Size} photo
 * @param {Size[]} paintings
 * @param {number} leastSide Pixels that every side needs.
 * @param {number} worthwhile Iterations that each of automatic scales has at least.
 * @returns {Stage[]}
 */
export function stages(settings, photo, paintings, leastSide, worthwhile) {
  /** @param {number} length @param {number} iterations @returns {Stage} */
  const stage = (length, iterations) => {
    const measured = rounded((settings.size * length) / settings.size);
    const painting = rounded((settings.painting_size ?? settings.size) * (length / settings.size));
    return { measured, size: scaled(photo, measured), paintingSize: painting, iterations };
  };
  /** @param {Stage} each */
  const fits = ({ size, paintingSize }) =>
    Math.min(...size, ...paintings.flatMap((each) => scaled(each, paintingSize))) >= leastSide;

  const own = stage(settings.size, settings.iterations);
  if (!fits(own)) {
    throw new Error(
      `At size ${settings.size} a side has fewer than ${leastSide} pixels. Choose a larger size.`,
    );
  }
  const lengths = [settings.size];
  /** @param {number} steps */
  const coarser = (steps) => settings.size / 2 ** (steps / settings.scales_per_doubling);
  if (settings.scales === "auto") {
    for (;;) {
      const length = coarser(lengths.length);
      const counts = split(settings.iterations, lengths.length + 1);
      if (length < settings.coarsest || Math.min(...counts) < worthwhile) break;
      if (!fits(stage(rounded(length), 1))) break;
      lengths.unshift(rounded(length));
    }
  } else {
    for (let steps = 1; steps < Number(settings.scales); steps++) {
      lengths.unshift(rounded(coarser(steps)));
    }
    if (settings.iterations < lengths.length) {
      throw new Error(`${lengths.length} scales need as many iterations at least.`);
    }
    if (!fits(stage(lengths[0], 1))) {
      throw new Error("The coarsest scale is too small. Choose fewer scales, or a larger size.");
    }
  }
  const counts = split(settings.iterations, lengths.length);
  return lengths.map((length, place) => stage(length, counts[place]));
}

/**
 * Return how many iterations each scale has, and the coarsest what is left over.
 *
 * @param {number} iterations
 * @param {number} scales
 */
function split(iterations, scales) {
  const finer = 1 + Math.trunc((iterations - scales) / scales);
  return [iterations - finer * (scales - 1), ...Array(scales - 1).fill(finer)];
}

/**
 * Round as Python does: halves to even.
 *
 * @param {number} value
 */
function rounded(value) {
  const below = Math.floor(value);
  if (value - below !== 0.5) return Math.round(value);
  return below % 2 ? below + 1 : below;
}
