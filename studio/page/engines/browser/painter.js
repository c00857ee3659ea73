/**
 * The worker as the engine sees it: one picture at a time, each with what comes of it.
 *
 * @import { Progress, Values } from "../../engine.js"
 * @import { Device } from "./devices.js"
 * @import { Told } from "./told.js"
 * @import { Answer, Asked, Kept } from "./worker.js"
 */

import { processor } from "./devices.js";

/**
 * @typedef {{photo: Blob, paintings: Blob[], options: Values, kept: Kept | null}} Order
 *
 * @typedef {object} Listener
 * @property {(progress: Progress) => void} progress
 * @property {(picture: Blob) => void} preview
 * @property {(kept: Kept) => void} kept
 */

/** @typedef {Extract<Answer, {type: "ended"}>} Ended */

export class Painter {
  /** @type {Worker} */
  #worker;

  /**
   * @param {Told} told
   * @param {Device} device
   */
  constructor(told, device) {
    this.told = told;
    this.device = device;
    this.#worker = this.#opened();
  }

  #opened() {
    const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
    const page = new URL(".", document.baseURI).href;
    this.#ask({ type: "open", told: this.told, provider: this.device.provider, page }, worker);
    return worker;
  }

  /** @param {Asked} message @param {Worker} [worker] */
  #ask(message, worker = this.#worker) {
    worker.postMessage(message);
  }

  /**
   * Paint a picture; where WebGPU fails before the first step, the CPU does it.
   *
   * @param {Order} order
   * @param {Listener} listener
   * @returns {Promise<Ended>}
   */
  async paint(order, listener) {
    let begun = false;
    try {
      return await this.#paint(order, {
        ...listener,
        progress(progress) {
          begun = true;
          listener.progress(progress);
        },
      });
    } catch (error) {
      this.#worker.terminate(); // whatever is wrong with it, the next one is not
      const again = this.device.provider === "webgpu" && !begun;
      if (again) this.device = processor();
      this.#worker = this.#opened();
      if (!again) throw error;
      return this.#paint(order, listener);
    }
  }

  /**
   * @param {Order} order
   * @param {Listener} listener
   * @returns {Promise<Ended>}
   */
  #paint(order, listener) {
    this.#ask({ type: "paint", ...order });
    return new Promise((resolve, reject) => {
      this.#worker.onerror = () =>
        reject(
          new Error("The browser ended the work. If memory was short, choose a smaller size."),
        );
      this.#worker.onmessage = (/** @type {MessageEvent<Answer>} */ { data }) => {
        if (data.type === "progress") listener.progress(data.progress);
        else if (data.type === "preview") listener.preview(data.picture);
        else if (data.type === "kept") listener.kept(data.kept);
        else if (data.type === "ended") resolve(data);
        else reject(new Error(data.error));
      };
    });
  }

  stop() {
    this.#ask({ type: "stop" });
  }
}
