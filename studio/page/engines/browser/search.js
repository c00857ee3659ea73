/**
 * The loop itself: the gradient's graph at the image, then the optimiser's.
 *
 * @import { Program, Tensor, Tensors } from "./graphs.js"
 * @import { Image } from "./image.js"
 * @import { Method, Model, Settings } from "./told.js"
 */

/** @typedef {{dims: readonly number[], data: Float32Array<ArrayBuffer>}} Held */
/** @typedef {Record<string, Held>} State All that the next step depends on. */
/** @typedef {{total: number, content: number | null, style: number | null}} Losses */

const NEXT = "next_";

/**
 * Return the weights as the graphs take them, times a power of two that suits float32.
 *
 * A layer's loss is divided by what it is at an image to which the layer does not respond
 * (`runtime/method/coefficients.py`), and the largest weight is always of one order
 * (`objective.py`).
 *
 * @param {Model} model
 * @param {Method} method
 * @param {Settings} settings
 * @param {Tensors} targets
 */
export function weighed(model, method, settings, targets) {
  const { layers, feature_scale: scale } = model;
  const strength = 2 ** ((settings.strength - method.usual_strength) / method.twice);

  /** @param {string} name */
  const contentAtRest = (name) => (scale ** 2 * squares(targets[`content_target.${name}`])) / 2;
  /** @param {string} name */
  const styleAtRest = (name) => {
    const layer = layers.find((each) => each.name === name);
    if (!layer) throw new Error(`The model has no layer ${name}.`);
    const gram = squares(targets[`style_target.${name}`], layer.channels);
    return (scale ** 4 * gram) / (4 * layer.represented ** 2);
  };
  const content = model.content_layers.map(contentAtRest);
  const style = model.style_layers.map(styleAtRest);
  /** @param {number} weight @param {number[]} rest @param {number[]} factors */
  const divided = (weight, rest, factors) => {
    const least = method.silent * Math.max(...rest) || 1;
    return factors.map((factor, place) => (weight * factor) / Math.max(rest[place], least));
  };
  const weights = {
    content: divided(
      settings.content_weight,
      content,
      model.content_layers.map((name) => model.content_factors[name]),
    ),
    style: divided(
      settings.style_weight * strength,
      style,
      model.style_layers.map((name) => model.style_factors[name]),
    ),
    variation: settings.tv_weight,
  };
  const most = Math.max(...weights.content, ...weights.style, weights.variation);
  const unit = 2 ** (Math.floor(Math.log2(most)) + 1 - method.largest_weight);
  return {
    unit,
    content: weights.content.map((weight) => weight / unit),
    style: weights.style.map((weight) => weight / unit),
    variation: weights.variation / unit,
  };
}

/**
 * Return the sum of squares of a target; of a style target, without the means beside its matrix.
 *
 * @param {Tensor} target
 * @param {number} [channels]
 */
function squares({ data, dims }, channels) {
  const width = dims[dims.length - 1];
  let sum = 0;
  for (let place = 0; place < data.length; place++) {
    if (channels === undefined || (place < channels * width && place % width < channels)) {
      sum += data[place] ** 2;
    }
  }
  return sum;
}

/** The optimiser at one scale. */
export class Search {
  /** @type {Tensors} */
  #fixed;
  /** @type {Tensors} */
  #state;

  /**
   * @param {{gradient: Program, optimizer: Program, variation: Program | null}} programs
   * @param {ReturnType<typeof weighed>} weights
   * @param {Tensors} targets
   * @param {Settings} settings
   * @param {Method} method
   * @param {Image} image To begin with.
   */
  constructor(programs, weights, targets, settings, method, { width, height, data }) {
    const { gradient, optimizer } = programs;
    this.programs = programs;
    this.unit = weights.unit;
    this.size = [width, height];
    const [least, most] = method.bounds;
    this.#fixed = {
      ...targets,
      content_weights: gradient.tensor(weights.content),
      style_weights: gradient.tensor(weights.style),
      tv_weight: gradient.scalar(weights.variation),
      learning_rate: gradient.scalar(settings.learning_rate),
      beta2: gradient.scalar(settings.beta2),
      least: gradient.scalar(least),
      most: gradient.scalar(most),
    };
    this.#state = {};
    for (const { name } of optimizer.graph.outputs) {
      if (name.startsWith(NEXT)) {
        const own = name.slice(NEXT.length);
        const first = own in method.initial ? (method.initial[own] ?? Infinity) : 0;
        this.#state[own] = first ? optimizer.scalar(first) : optimizer.zeros(own);
      }
    }
    const begun = data.map((value) => Math.min(Math.max(value, least), most));
    this.#state.image = optimizer.tensor(begun, [1, 3, height, width]);
  }

  /**
   * Evaluate the image, and find the next.
   *
   * @returns {Promise<Losses>}
   */
  async step() {
    const { gradient, optimizer, variation } = this.programs;
    const before = this.#state;
    const found = await gradient.run({ ...this.#fixed, ...before });
    const varied = variation
      ? await variation.run({
          ...this.#fixed,
          ...before,
          other_total: found.total,
          other_gradient: found.gradient,
        })
      : {};
    const here = { ...found, ...varied };
    const moved = await optimizer.run({ ...this.#fixed, ...before, ...here });
    /** @type {Tensors} */
    const after = {};
    for (const [name, tensor] of Object.entries(moved)) {
      if (name.startsWith(NEXT)) after[name.slice(NEXT.length)] = tensor;
    }
    this.#state = after;
    for (const tensor of [...Object.values({ ...before, ...here }), found.gradient]) {
      if (tensor.location === "gpu-buffer") tensor.dispose();
    }
    const total = here.total.data[0] * this.unit;
    if (moved.failed.data[0]) {
      throw new Error(
        `The loss is ${total}, and its gradient of no use. The model is damaged: export it again.`,
      );
    }
    return { total, content: mean(found.content_losses), style: mean(found.style_losses) };
  }

  /**
   * The image with the lowest loss so far.
   *
   * @returns {Promise<Image>}
   */
  async best() {
    const [width, height] = this.size;
    return { width, height, data: await read(this.#state.best_image) };
  }

  get bestTotal() {
    return this.#state.best_total.data[0] * this.unit;
  }

  /** @returns {Promise<State>} */
  async state() {
    /** @type {State} */
    const held = {};
    for (const [name, tensor] of Object.entries(this.#state)) {
      held[name] = { dims: tensor.dims, data: await read(tensor) };
    }
    return held;
  }

  /** @param {State} state */
  resume(state) {
    for (const [name, { dims, data }] of Object.entries(state)) {
      this.#state[name] = this.programs.optimizer.tensor(data, [...dims]);
    }
  }

  async release() {
    for (const tensor of Object.values(this.#state)) {
      if (tensor.location === "gpu-buffer") tensor.dispose();
    }
    const { gradient, optimizer, variation } = this.programs;
    await Promise.all([gradient, optimizer, variation].map((program) => program?.release()));
  }
}

/** @param {Tensor} tensor */
const read = (tensor) => (tensor.location === "cpu" ? tensor.data : tensor.getData());

/** @param {Tensor | undefined} losses */
function mean(losses) {
  if (!losses) return null;
  return losses.data.reduce((sum, each) => sum + each, 0) / losses.data.length;
}
