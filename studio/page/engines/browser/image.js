/**
 * Images as graphs take them: RGB in 0...1, a plane for each channel, with a margin around them.
 *
 * @import { Size } from "./settings.js"
 */

import { BICUBIC, LANCZOS, resized } from "./resampling.js";

/** @typedef {{width: number, height: number, data: Float32Array<ArrayBuffer>}} Image */

/**
 * A picture as it was decoded, upright and on white.
 *
 * @typedef {{width: number, height: number, levels: Uint8ClampedArray}} Decoded
 */

export const CHANNELS = [0, 1, 2];

/** Pixels of a side as which a picture is decoded at most; phones have no room for more. */
const LARGEST = 4096;

/**
 * @param {Size} size
 * @returns {Image}
 */
export function blank([width, height]) {
  return { width, height, data: new Float32Array(3 * width * height) };
}

/**
 * @param {Blob} file
 * @returns {Promise<Decoded>}
 */
export async function decoded(file) {
  const whole = await createImageBitmap(file);
  const factor = Math.min(1, LARGEST / Math.max(whole.width, whole.height));
  const [width, height] = [whole.width, whole.height].map((side) => Math.round(side * factor));
  const context = canvas(width, height);
  context.fillStyle = "white";
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = "high";
  context.drawImage(whole, 0, 0, width, height);
  whole.close();
  return { width, height, levels: context.getImageData(0, 0, width, height).data };
}

/**
 * @param {number} width
 * @param {number} height
 */
function canvas(width, height) {
  const context = new OffscreenCanvas(width, height).getContext("2d", {
    willReadFrequently: true,
  });
  if (!context) throw new Error("This browser gives no canvas for so large a picture.");
  return context;
}

/**
 * Return a picture in a size.
 *
 * @param {Decoded} picture
 * @param {Size} size
 * @param {boolean} [cut] Whether it is cut, and not distorted, to other proportions.
 */
export function seen(picture, size, cut = false) {
  const found = blank(size);
  const [width, height] = size;
  const same = width === picture.width && height === picture.height;
  const box = cut ? middle(picture, size) : undefined;
  for (const offset of CHANNELS) {
    const channel = { ...picture, data: picture.levels, stride: 4, offset };
    const plane = same ? plain(channel) : resized(channel, width, height, LANCZOS, true, box);
    found.data.set(
      plane.map((level) => level / 255),
      offset * width * height,
    );
  }
  return found;
}

/**
 * Return the largest part in the middle of a picture that has the proportions of a size.
 *
 * @param {Decoded} picture
 * @param {Size} size
 * @returns {[number, number, number, number]}
 */
function middle({ width, height }, size) {
  const scale = Math.min(width / size[0], height / size[1]);
  const [left, top] = [(width - scale * size[0]) / 2, (height - scale * size[1]) / 2];
  return [left, top, width - left, height - top];
}

/** @param {import("./resampling.js").Channel} channel */
function plain({ data, width, height, stride, offset }) {
  const plane = new Float32Array(width * height);
  for (let pixel = 0; pixel < plane.length; pixel++) plane[pixel] = data[stride * pixel + offset];
  return plane;
}

/**
 * Add an image to a larger one, enlarged to that.
 *
 * @param {Image} place
 * @param {Image} image
 */
export function addEnlarged(place, image) {
  for (const plane of CHANNELS) {
    const offset = plane * image.width * image.height;
    const channel = { ...image, stride: 1, offset };
    const larger = resized(channel, place.width, place.height, BICUBIC, false);
    const start = plane * place.width * place.height;
    for (let pixel = 0; pixel < larger.length; pixel++) place.data[start + pixel] += larger[pixel];
  }
}

/**
 * Return an image with its mirror image around it, without its outermost line.
 *
 * @param {Image} image
 * @param {number} margin
 */
export function framed({ width, height, data }, margin) {
  const whole = blank([width + 2 * margin, height + 2 * margin]);
  for (const plane of CHANNELS) {
    for (let y = 0; y < whole.height; y++) {
      const from = (plane * height + mirrored(y - margin, height)) * width;
      const to = (plane * whole.height + y) * whole.width;
      for (let x = 0; x < whole.width; x++) {
        whole.data[to + x] = data[from + mirrored(x - margin, width)];
      }
    }
  }
  return whole;
}

/**
 * @param {number} place
 * @param {number} length
 */
function mirrored(place, length) {
  const period = 2 * (length - 1);
  const within = ((place % period) + period) % period;
  return within < length ? within : period - within;
}

/**
 * @param {Image} whole
 * @param {number} margin
 */
export function unframed(whole, margin) {
  const image = blank([whole.width - 2 * margin, whole.height - 2 * margin]);
  for (const plane of CHANNELS) {
    for (let y = 0; y < image.height; y++) {
      const from = (plane * whole.height + y + margin) * whole.width + margin;
      const row = whole.data.subarray(from, from + image.width);
      image.data.set(row, (plane * image.height + y) * image.width);
    }
  }
  return image;
}

/**
 * @param {Image} image
 * @param {"image/png" | "image/jpeg"} type
 */
export function encoded({ width, height, data }, type) {
  const context = canvas(width, height);
  const shown = context.createImageData(width, height);
  const pixels = width * height;
  for (let pixel = 0; pixel < pixels; pixel++) {
    for (const plane of CHANNELS) {
      shown.data[4 * pixel + plane] = 255 * data[plane * pixels + pixel];
    }
    shown.data[4 * pixel + 3] = 255;
  }
  context.putImageData(shown, 0, 0);
  return context.canvas.convertToBlob({ type, quality: 0.9 });
}
