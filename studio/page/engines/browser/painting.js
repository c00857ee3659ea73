/**
 * A picture from the first step to the last, from coarse to fine.
 *
 * @import { Graphs } from "./graphs.js"
 * @import { Image } from "./image.js"
 * @import { Losses, State } from "./search.js"
 * @import { Size, Stage } from "./settings.js"
 * @import { Graph, Model, Settings, Told } from "./told.js"
 */

import { blank, decoded, framed, unframed } from "./image.js";
import { Scene } from "./scene.js";
import { Search, weighed } from "./search.js";
import { modelOf, stages } from "./settings.js";

/**
 * From where a picture can be gone on with.
 *
 * @typedef {object} Snapshot
 * @property {number} scale Counted from 0.
 * @property {number} step Steps that were made at that scale.
 * @property {State} state
 */

/**
 * @typedef {object} Iterate
 * @property {number} iteration Counted from 1, over all scales.
 * @property {number} scale
 * @property {number} scales
 * @property {Size} size
 * @property {Losses} losses
 * @property {number} best The lowest total of this scale.
 */

export class Painting {
  /** @type {Search | null} */
  #search = null;
  #scale = 0;
  #step = 0;

  /**
   * @param {Graphs} graphs
   * @param {Told} told
   * @param {Settings} settings
   * @param {Scene} scene
   * @param {Stage[]} scales
   */
  constructor(graphs, { method }, settings, scene, scales) {
    this.graphs = graphs;
    this.method = method;
    this.settings = settings;
    this.scene = scene;
    this.scales = scales;
  }

  /**
   * @param {Graphs} graphs
   * @param {Told} told
   * @param {Settings} settings
   * @param {{photo: Blob, paintings: Blob[]}} pictures
   */
  static async of(graphs, told, settings, pictures) {
    const model = modelOf(told, settings);
    const [photo, ...paintings] = await Promise.all(
      [pictures.photo, ...pictures.paintings].map(decoded),
    );
    const scene = new Scene(photo, paintings, settings, model, told.method);
    const leastSide = Math.max(told.method.least_side, model.least_side);
    /** @param {Size} size @returns {Size} */
    const sizes = ({ 0: width, 1: height }) => [width, height];
    const scales = stages(
      settings,
      sizes([photo.width, photo.height]),
      paintings.map((each) => sizes([each.width, each.height])),
      leastSide,
      told.method.worthwhile,
    );
    return new Painting(graphs, told, settings, scene, scales);
  }

  /**
   * Make a step at a time.
   *
   * @param {Snapshot | null} [from]
   * @returns {AsyncGenerator<Iterate, void, void>}
   */
  async *iterates(from = null) {
    this.#scale = from?.scale ?? 0;
    let image = from ? null : this.scene.start(this.scales[0]);
    for (; this.#scale < this.scales.length; this.#scale++) {
      const stage = this.scales[this.#scale];
      const search = await this.#begin(stage, image);
      this.#step = 0;
      if (from) {
        search.resume(from.state);
        this.#step = from.step;
        from = null;
      }
      const past = iterationsOf(this.scales.slice(0, this.#scale));
      while (this.#step < stage.iterations) {
        const losses = await search.step();
        this.#step++;
        yield {
          iteration: past + this.#step,
          scale: this.#scale + 1,
          scales: this.scales.length,
          size: stage.size,
          losses,
          best: search.bestTotal,
        };
      }
      if (this.#scale + 1 === this.scales.length) return;
      const best = unframed(await search.best(), this.settings.margin);
      image = this.scene.refined(best, stage, this.scales[this.#scale + 1]);
      await this.release();
    }
  }

  /**
   * The picture so far.
   *
   * @returns {Promise<Image>}
   */
  async picture() {
    if (!this.#search) throw new Error("There is no picture yet.");
    const image = unframed(await this.#search.best(), this.settings.margin);
    return this.scene.shown(image, this.scales[this.#scale]);
  }

  /**
   * Which part of the work is done: the larger a scale, the longer its steps.
   *
   * @param {number} iteration
   */
  done(iteration) {
    let [done, all, before] = [0, 0, 0];
    for (const { iterations, size } of this.scales) {
      const pixels = size[0] * size[1];
      done += pixels * Math.min(Math.max(iteration - before, 0), iterations);
      all += pixels * iterations;
      before += iterations;
    }
    return done / all;
  }

  /** @returns {Promise<Snapshot | null>} */
  async snapshot() {
    if (!this.#search || !this.#step) return null;
    return { scale: this.#scale, step: this.#step, state: await this.#search.state() };
  }

  async release() {
    await this.#search?.release();
    this.#search = null;
  }

  /**
   * @param {Stage} stage
   * @param {Image | null} image To begin with; null if the search is resumed.
   */
  async #begin(stage, image) {
    const { graphs, method, scene, settings } = this;
    const { model } = scene;
    const { margin } = settings;
    /** @type {Size} */
    const field = [stage.size[0] + 2 * margin, stage.size[1] + 2 * margin];
    const targets = await this.#targets(stage);
    const weights = weighed(model, method, settings, targets);
    const history = Math.min(settings.history, stage.iterations);
    const optimizer = model.optimizers[settings.optimizer];
    const programs = {
      gradient: await graphs.load(model, model.gradient, field),
      optimizer: await graphs.load(model, optimizer, field, { history }),
      variation: settings.tv_weight ? await graphs.load(model, model.variation, field) : null,
    };
    const first = image ?? blank(field);
    this.#search = new Search(programs, weights, targets, settings, method, first);
    return this.#search;
  }

  /**
   * Return what images are compared with at a scale. Several paintings count alike.
   *
   * @param {Stage} stage
   */
  async #targets(stage) {
    const { graphs, scene, settings } = this;
    const { model } = scene;
    const canvas = framed(scene.canvas(stage), settings.margin);
    const content = await once(graphs, model, model.content_targets, canvas);
    const styles = [];
    for (const painting of scene.shownPaintings(stage)) {
      styles.push(await once(graphs, model, model.style_targets, painting));
    }
    const [blended, ...others] = styles;
    for (const [name, { data }] of Object.entries(blended)) {
      data.forEach((value, place) => {
        const sum = others.reduce((added, each) => added + each[name].data[place], value);
        data[place] = sum / styles.length;
      });
    }
    return { ...content, ...blended };
  }
}

/**
 * Run a graph of an image once.
 *
 * @param {Graphs} graphs
 * @param {Model} model
 * @param {Graph} graph
 * @param {Image} image
 */
async function once(graphs, model, graph, { width, height, data }) {
  const program = await graphs.load(model, graph, [width, height], { read: true });
  const found = await program.run({ image: program.tensor(data, [1, 3, height, width]) });
  await program.release();
  return found;
}

/** @param {Stage[]} scales */
const iterationsOf = (scales) => scales.reduce((sum, { iterations }) => sum + iterations, 0);
