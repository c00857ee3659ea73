/**
 * A model's graphs at work: ONNX Runtime's build for browsers, loaded once for each worker.
 *
 * @import { Size } from "./settings.js"
 * @import { Graph, Model, Told } from "./told.js"
 */

/**
 * What is used of ONNX Runtime.
 *
 * @typedef {object} Tensor
 * @property {readonly number[]} dims
 * @property {Float32Array<ArrayBuffer>} data Only of tensors in the CPU's memory.
 * @property {(release?: boolean) => Promise<Float32Array<ArrayBuffer>>} getData
 * @property {() => void} dispose
 * @property {string} location
 *
 * @typedef {Record<string, Tensor>} Tensors
 * @typedef {{run(feeds: Tensors): Promise<Tensors>, release(): Promise<void>}} Session
 *
 * @typedef {object} Runtime
 * @property {{wasm: {numThreads: number, wasmPaths: {wasm: string}}, logLevel: string}} env
 * @property {new (type: "float32", data: Float32Array, dims: readonly number[]) => Tensor} Tensor
 * @property {{create(bytes: Uint8Array, options: object): Promise<Session>}} InferenceSession
 */

/** @typedef {"wasm" | "webgpu"} Provider */

/** More threads than this do not pay at the sizes that browsers have room for. */
const MOST_THREADS = 8;

/** How many threads compute. They need a page that is isolated from others. */
export const threads = () =>
  globalThis.crossOriginIsolated ? Math.min(navigator.hardwareConcurrency || 1, MOST_THREADS) : 1;

export class Graphs {
  /** @type {Promise<Runtime> | undefined} */
  #runtime;
  /** @type {Map<string, Promise<Uint8Array>>} Models' weights, which many graphs share. */
  #weights = new Map();

  /**
   * @param {Told} told
   * @param {Provider} provider
   * @param {string} page The page's address, from which all others are told.
   */
  constructor(told, provider, page) {
    this.told = told;
    this.provider = provider;
    this.page = page;
  }

  /** @returns {Promise<Runtime>} */
  runtime() {
    this.#runtime ??= this.#load();
    return this.#runtime;
  }

  async #load() {
    const [module, wasm] = this.told.runtime[this.provider].map(this.#address);
    /** @type {Runtime} */
    const runtime = await import(module);
    runtime.env.wasm.numThreads = threads();
    runtime.env.wasm.wasmPaths = { wasm };
    runtime.env.logLevel = "error";
    return runtime;
  }

  /** @param {string} path */
  #address = (path) => new URL(path, this.page).href;

  /** @param {Model} model @param {string} file */
  async #bytes(model, file) {
    const answer = await fetch(this.#address(`${model.folder}/${file}`));
    if (!answer.ok) {
      throw new Error(`The model's file ${file} is not there (${answer.status}). Reload.`);
    }
    return new Uint8Array(await answer.arrayBuffer());
  }

  /**
   * Load a graph for images of one size; then it is as fast as one without free dimensions.
   *
   * @param {Model} model
   * @param {Graph} graph
   * @param {Size} size
   * @param {{history?: number, read?: boolean}} [more] Steps that L-BFGS remembers; whether all
   *   that comes out is read.
   * @returns {Promise<Program>}
   */
  async load(model, graph, size, { history = 1, read = false } = {}) {
    const runtime = await this.runtime();
    if (!this.#weights.has(model.name)) {
      this.#weights.set(model.name, this.#bytes(model, model.weights));
    }
    const [bytes, weights] = await Promise.all([
      this.#bytes(model, graph.file),
      this.#weights.get(model.name),
    ]);
    const sizes = dimensions(model, size, history);
    const free = graph.inputs.flatMap(({ shape }) => shape).filter((each) => each in sizes);
    const session = await runtime.InferenceSession.create(bytes, {
      executionProviders: [this.provider],
      freeDimensionOverrides: Object.fromEntries(free.map((name) => [name, sizes[name]])),
      externalData: [{ path: model.weights, data: weights }],
      ...(this.provider === "webgpu" && !read && { preferredOutputLocation: places(graph) }),
    });
    return new Program(runtime, session, graph, sizes);
  }
}

/**
 * Return where outputs shall lie: what is large stays on the device, numbers are read.
 *
 * @param {Graph} graph
 */
const places = ({ outputs }) =>
  Object.fromEntries(
    outputs.map(({ name, shape }) => [name, shape.length === 4 ? "gpu-buffer" : "cpu"]),
  );

/**
 * Return the free dimensions of all graphs, by their names.
 *
 * @param {Model} model
 * @param {Size} size
 * @param {number} history
 */
function dimensions({ layers }, [width, height], history) {
  /** @type {Record<string, number>} */
  const sizes = { height, width, places: history + 1, rows: 2 * (history + 1) };
  for (const { name, stride } of layers) {
    sizes[`${name}_height`] = Math.floor(height / stride);
    sizes[`${name}_width`] = Math.floor(width / stride);
  }
  return sizes;
}

export class Program {
  /**
   * @param {Runtime} runtime
   * @param {Session} session
   * @param {Graph} graph
   * @param {Record<string, number>} sizes
   */
  constructor(runtime, session, graph, sizes) {
    this.runtime = runtime;
    this.session = session;
    this.graph = graph;
    this.sizes = sizes;
  }

  /** @param {Tensors} given What goes in by name; others may be there, too. */
  run(given) {
    const names = this.graph.inputs.map(({ name }) => name);
    return this.session.run(Object.fromEntries(names.map((name) => [name, given[name]])));
  }

  /** @param {ArrayLike<number>} values @param {number[]} [shape] */
  tensor(values, shape = [values.length]) {
    const data = values instanceof Float32Array ? values : Float32Array.from(values);
    return new this.runtime.Tensor("float32", data, shape);
  }

  /** @param {number} value */
  scalar(value) {
    return this.tensor([value], []);
  }

  /** @param {string} name An input. @returns {Tensor} */
  zeros(name) {
    const shape = this.graph.inputs.find((each) => each.name === name)?.shape ?? [];
    const sides = shape.map((side) => (typeof side === "number" ? side : this.sizes[side]));
    return this.tensor(new Float32Array(sides.reduce((all, side) => all * side, 1)), sides);
  }

  release() {
    return this.session.release();
  }
}
