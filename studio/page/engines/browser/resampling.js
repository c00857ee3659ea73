/** Pictures in other sizes, as Pillow resizes them: one filter along rows, then along columns. */

/**
 * @typedef {object} Channel One channel of a picture: every `stride`th number from `offset` on.
 * @property {ArrayLike<number>} data
 * @property {number} width
 * @property {number} height
 * @property {number} stride
 * @property {number} offset
 */

/** @typedef {{support: number, at: (x: number) => number}} Filter */

/** @param {number} x */
const sinc = (x) => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));

/** @type {Filter} */
export const LANCZOS = { support: 3, at: (x) => (Math.abs(x) < 3 ? sinc(x) * sinc(x / 3) : 0) };

/** @type {Filter} */
export const BICUBIC = {
  support: 2,
  at(x) {
    const far = Math.abs(x);
    if (far < 1) return (1.5 * far - 2.5) * far * far + 1;
    return far < 2 ? ((-0.5 * far + 2.5) * far - 4) * far + 2 : 0;
  },
};

/**
 * @param {Channel} channel
 * @param {number} width
 * @param {number} height
 * @param {Filter} filter
 * @param {boolean} levels Whether numbers are 8-bit levels, and each pass gives such.
 * @param {[number, number, number, number]} [box] The part that is seen: left, top, right, bottom.
 * @returns {Float32Array}
 */
export function resized(channel, width, height, filter, levels, box) {
  const make = levels ? Uint8ClampedArray : Float32Array; // the former rounds
  const { data, stride, offset } = channel;
  const rows = new make(width * channel.height);
  const [left, top, right, bottom] = box ?? [0, 0, channel.width, channel.height];
  const across = taps(channel.width, left, right, width, filter);
  for (let y = 0; y < channel.height; y++) {
    const start = offset + stride * y * channel.width;
    for (let x = 0; x < width; x++) {
      const { first, weights } = across[x];
      let sum = 0;
      for (let tap = 0; tap < weights.length; tap++) {
        sum += weights[tap] * data[start + stride * (first + tap)];
      }
      rows[y * width + x] = sum;
    }
  }
  const whole = new make(width * height);
  taps(channel.height, top, bottom, height, filter).forEach(({ first, weights }, y) => {
    for (let x = 0; x < width; x++) {
      let sum = 0;
      for (let tap = 0; tap < weights.length; tap++) {
        sum += weights[tap] * rows[(first + tap) * width + x];
      }
      whole[y * width + x] = sum;
    }
  });
  return whole instanceof Float32Array ? whole : Float32Array.from(whole);
}

/**
 * Return which places each new one is made of, and how much each of these counts.
 *
 * @param {number} length
 * @param {number} from
 * @param {number} to
 * @param {number} count
 * @param {Filter} filter
 */
function taps(length, from, to, count, filter) {
  const scale = (to - from) / count;
  const stretch = Math.max(scale, 1);
  const support = filter.support * stretch;
  return Array.from({ length: count }, (_, place) => {
    const centre = from + (place + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - support + 0.5));
    const end = Math.min(length, Math.trunc(centre + support + 0.5));
    const weights = Float64Array.from({ length: end - first }, (_each, tap) =>
      filter.at((first + tap - centre + 0.5) / stretch),
    );
    const whole = weights.reduce((sum, each) => sum + each, 0);
    return { first, weights: weights.map((each) => each / whole) };
  });
}
