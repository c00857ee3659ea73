/**
 * A photo and paintings as they are looked at, as `runtime/method/views.py` has it.
 *
 * @import { Decoded, Image } from "./image.js"
 * @import { Size, Stage } from "./settings.js"
 * @import { Method, Model, Settings } from "./told.js"
 */

import { giveColours, matchColours, mixed, moments, toGrey } from "./colours.js";
import { addEnlarged, blank, framed, seen } from "./image.js";
import { scaled } from "./settings.js";

export class Scene {
  /**
   * @param {Decoded} photo
   * @param {Decoded[]} paintings
   * @param {Settings} settings
   * @param {Model} model
   * @param {Method} method
   */
  constructor(photo, paintings, settings, model, method) {
    this.photo = photo;
    this.paintings = paintings;
    this.settings = settings;
    this.model = model;
    this.method = method;
    this.colors = settings.style_weight ? settings.colors : "painting";
  }

  /**
   * Return what a scale is painted over: the photo, in the colours that are wanted.
   *
   * @param {Stage} stage
   */
  canvas(stage) {
    const image = seen(this.photo, stage.size);
    if (this.colors === "painting-matched") {
      const palette = this.paintings.map((each) => moments(this.#plain(each, stage), this.method));
      matchColours(image, mixed(palette), this.method);
    } else if (this.colors === "photo") toGrey(image);
    return image;
  }

  /**
   * Return the paintings, in the size and the colours in which their style is matched.
   *
   * @param {Stage} stage
   */
  shownPaintings(stage) {
    const images = this.paintings.map((each) => this.#plain(each, stage));
    if (this.colors === "photo" || this.colors === "photo-matched") {
      const photo = seen(this.photo, stage.size);
      if (this.colors === "photo") [photo, ...images].forEach(toGrey);
      const palette = moments(photo, this.method);
      for (const image of images) matchColours(image, palette, this.method);
    }
    return images;
  }

  /**
   * @param {Decoded} painting
   * @param {Stage} stage
   */
  #plain(painting, { paintingSize }) {
    return seen(painting, scaled([painting.width, painting.height], paintingSize));
  }

  /**
   * Return the image that the first scale starts from, with its margin.
   *
   * @param {Stage} stage
   */
  start(stage) {
    const { init, margin, seed } = this.settings;
    const [width, height] = stage.size;
    const draw = randoms(seed);
    const { mean_colour: colour } = this.model;
    switch (init) {
      case "photo":
        return framed(this.canvas(stage), margin);
      case "painting":
        return framed(seen(this.paintings[0], stage.size, true), margin);
      case "noise":
        return filled([width + 2 * margin, height + 2 * margin], () => draw());
      default:
        return filled(
          [width + 2 * margin, height + 2 * margin],
          (plane) => colour[plane] + this.method.faint * normal(draw),
        );
    }
  }

  /**
   * Return the image to begin a scale with, given the result of a coarser one. If it all began
   * with the photo, what the coarser scale could not show of it comes along.
   *
   * @param {Image} best Without its margin.
   * @param {Stage} coarse
   * @param {Stage} fine
   */
  refined(best, coarse, fine) {
    const fromPhoto = this.settings.init === "photo";
    const inside = fromPhoto ? this.canvas(fine) : blank(fine.size);
    const before = fromPhoto ? this.canvas(coarse).data : null;
    const data = before ? best.data.map((value, place) => value - before[place]) : best.data;
    addEnlarged(inside, { ...best, data });
    return framed(inside, this.settings.margin);
  }

  /**
   * Return what is shown of an image: the photo's own colours, if they are wanted.
   *
   * @param {Image} image Without its margin.
   * @param {Stage} stage
   */
  shown(image, stage) {
    if (this.colors !== "photo") return image;
    const shown = { ...image, data: image.data.slice() };
    giveColours(shown, seen(this.photo, stage.size));
    return shown;
  }
}

/**
 * @param {Size} size
 * @param {(plane: number) => number} value
 */
function filled(size, value) {
  const image = blank(size);
  const pixels = size[0] * size[1];
  image.data.forEach((_, place) => (image.data[place] = value(Math.floor(place / pixels))));
  return image;
}

/**
 * Return a generator of numbers in 0...1 (mulberry32). NumPy draws others of the same seed.
 *
 * @param {number} seed
 */
function randoms(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** @param {() => number} draw */
const normal = (draw) => Math.sqrt(-2 * Math.log(1 - draw())) * Math.cos(2 * Math.PI * draw());
