/**
 * Whose colours a picture has, as `runtime/pictures` has it: colours brought to the mean and the
 * covariance of others (`matching.py`), and light and dark alone, in Oklab (`lightness.py`).
 *
 * @import { Image } from "./image.js"
 * @import { Method } from "./told.js"
 */

import { CHANNELS } from "./image.js";

/** @typedef {number[][]} Matrix Three rows of three. */
/** @typedef {{mean: number[], covariance: Matrix}} Moments */

/** @param {(row: number, column: number) => number} at @returns {Matrix} */
const matrix = (at) => CHANNELS.map((row) => CHANNELS.map((column) => at(row, column)));

/** @param {Matrix} a @param {Matrix} b */
const times = (a, b) =>
  matrix((row, column) => CHANNELS.reduce((sum, k) => sum + a[row][k] * b[k][column], 0));

/**
 * @param {Image} image
 * @param {Method} method
 * @returns {Moments}
 */
export function moments({ data }, method) {
  const pixels = data.length / 3;
  const mean = CHANNELS.map((plane) => {
    let sum = 0;
    for (let pixel = 0; pixel < pixels; pixel++) sum += data[plane * pixels + pixel];
    return sum / pixels;
  });
  /** @param {number} plane @param {number} pixel */
  const away = (plane, pixel) => data[plane * pixels + pixel] - mean[plane];
  const covariance = matrix((row, column) => {
    let sum = 0;
    for (let pixel = 0; pixel < pixels; pixel++) sum += away(row, pixel) * away(column, pixel);
    return sum / pixels + (row === column ? method.almost_none : 0);
  });
  return { mean, covariance };
}

/**
 * Return the moments of several pictures together, which count alike.
 *
 * @param {Moments[]} several
 * @returns {Moments}
 */
export function mixed(several) {
  const share = 1 / several.length;
  const mean = CHANNELS.map((k) => several.reduce((sum, each) => sum + share * each.mean[k], 0));
  const covariance = matrix((row, column) =>
    several.reduce((sum, each) => {
      const away = (each.mean[row] - mean[row]) * (each.mean[column] - mean[column]);
      return sum + share * (each.covariance[row][column] + away);
    }, 0),
  );
  return { mean, covariance };
}

/**
 * Give an image's colours the moments of others', by the linear map that moves them least.
 *
 * @param {Image} image
 * @param {Moments} other
 * @param {Method} method
 */
export function matchColours(image, other, method) {
  const own = moments(image, method);
  const root = mapped(own.covariance, Math.sqrt);
  const inverse = mapped(own.covariance, (value) => 1 / Math.sqrt(value));
  const inner = mapped(times(times(root, other.covariance), root), Math.sqrt);
  const spread = mapped(times(times(inverse, inner), inverse), (value) =>
    Math.min(Math.max(value, 1 / method.furthest), method.furthest),
  );
  everyColour(image, (colour) =>
    CHANNELS.map((row) => {
      /** @param {number} k */
      const moved = (k) => spread[row][k] * (colour[k] - own.mean[k]);
      return clipped(other.mean[row] + moved(0) + moved(1) + moved(2));
    }),
  );
}

/** @param {number} value */
const clipped = (value) => Math.min(Math.max(value, 0), 1);

/**
 * @param {Image} image
 * @param {(colour: number[], pixel: number) => number[]} change
 */
function everyColour({ data }, change) {
  const pixels = data.length / 3;
  for (let pixel = 0; pixel < pixels; pixel++) {
    const colour = CHANNELS.map((plane) => data[plane * pixels + pixel]);
    const [red, green, blue] = change(colour, pixel);
    data[pixel] = red;
    data[pixels + pixel] = green;
    data[2 * pixels + pixel] = blue;
  }
}

/**
 * Return a function of a symmetric matrix, by its eigenvalues (Jacobi's rotations).
 *
 * @param {Matrix} given
 * @param {(value: number) => number} change
 */
function mapped(given, change) {
  let values = given.map((row) => [...row]);
  let vectors = matrix((row, column) => Number(row === column));
  for (let sweep = 0; sweep < 12; sweep++) {
    for (const [p, q] of [
      [0, 1],
      [0, 2],
      [1, 2],
    ]) {
      const angle = 0.5 * Math.atan2(2 * values[p][q], values[q][q] - values[p][p]);
      const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
      const turn = matrix((row, column) => Number(row === column));
      [turn[p][p], turn[p][q], turn[q][p], turn[q][q]] = [cosine, sine, -sine, cosine];
      const back = matrix((row, column) => turn[column][row]);
      values = times(times(back, values), turn);
      vectors = times(vectors, turn);
    }
  }
  const found = CHANNELS.map((k) => change(Math.max(values[k][k], 0)));
  return matrix((row, column) =>
    CHANNELS.reduce((sum, k) => sum + vectors[row][k] * found[k] * vectors[column][k], 0),
  );
}

// Björn Ottosson's Oklab, by his matrices.
const TO_CONES = [
  [0.4122214708, 0.5363325363, 0.0514459929],
  [0.2119034982, 0.6806995451, 0.1073969566],
  [0.0883024619, 0.2817188376, 0.6299787005],
];
const TO_LAB = [
  [0.2104542553, 0.793617785, -0.0040720468],
  [1.9779984951, -2.428592205, 0.4505937099],
  [0.0259040371, 0.7827717662, -0.808675766],
];
const FROM_LAB = [
  [1, 0.3963377774, 0.2158037573],
  [1, -0.1055613458, -0.0638541728],
  [1, -0.0894841775, -1.291485548],
];
const FROM_CONES = [
  [4.0767416621, -3.3077115913, 0.2309699292],
  [-1.2684380046, 2.6097574011, -0.3413193965],
  [-0.0041960863, -0.7034186147, 1.707614701],
];

/** @param {Matrix} m @param {number[]} v */
const applied = (m, v) => m.map((row) => row[0] * v[0] + row[1] * v[1] + row[2] * v[2]);

/** @param {number} level */
const linear = (level) => (level <= 0.04045 ? level / 12.92 : ((level + 0.055) / 1.055) ** 2.4);

/** @param {number} light */
const level = (light) => (light <= 0.0031308 ? 12.92 * light : 1.055 * light ** (1 / 2.4) - 0.055);

/** @param {number[]} colour */
const oklab = (colour) => applied(TO_LAB, applied(TO_CONES, colour.map(linear)).map(Math.cbrt));

/** @param {number[]} lab */
const srgb = (lab) =>
  applied(
    FROM_CONES,
    applied(FROM_LAB, lab).map((value) => value ** 3),
  ).map(level);

/**
 * Make each colour the grey that is as light.
 *
 * @param {Image} image
 */
export function toGrey(image) {
  everyColour(image, (colour) => srgb([oklab(colour)[0], 0, 0]).map(clipped));
}

/**
 * Give an image hue and chroma of another, and leave it as light and dark as it is.
 *
 * @param {Image} image
 * @param {Image} other
 */
export function giveColours(image, other) {
  const pixels = other.data.length / 3;
  everyColour(image, (colour, pixel) => {
    const [lightness] = oklab(colour.map(clipped));
    const [, a, b] = oklab(CHANNELS.map((plane) => other.data[plane * pixels + pixel]));
    return shown(lightness, a, b);
  });
}

/** Half a grey level is 2e-3. */
const ALMOST = 1e-6;

/**
 * Return a colour of Oklab as sRGB, with as much of its chroma as a screen can show.
 *
 * @param {number} lightness
 * @param {number} a
 * @param {number} b
 */
function shown(lightness, a, b) {
  /** @param {number} chroma */
  const faded = (chroma) => srgb([lightness, chroma * a, chroma * b]);
  /** @param {number[]} colour */
  const inside = (colour) => colour.every((value) => Math.abs(value - 0.5) <= 0.5 + ALMOST);
  const whole = faded(1);
  if (inside(whole)) return whole.map(clipped);
  let [least, most] = [0, 1];
  for (let halving = 0; halving < 12; halving++) {
    const middle = (least + most) / 2;
    if (inside(faded(middle))) least = middle;
    else most = middle;
  }
  return faded(least).map(clipped);
}
