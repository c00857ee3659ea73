/**
 * The worker: it holds ONNX Runtime, and paints one picture after the other.
 *
 * @import { Progress, Values } from "../../engine.js"
 * @import { Iterate, Snapshot } from "./painting.js"
 * @import { Told } from "./told.js"
 */

import { Graphs } from "./graphs.js";
import { encoded } from "./image.js";
import { Painting } from "./painting.js";
import { settingsOf } from "./settings.js";

/**
 * How far a picture is, as it is kept.
 *
 * @typedef {object} Kept
 * @property {Snapshot} snapshot
 * @property {number} seconds
 * @property {[number, number][]} losses
 */

/**
 * @typedef {{type: "open", told: Told, provider: "wasm" | "webgpu", page: string}
 *   | {type: "paint", photo: Blob, paintings: Blob[], options: Values, kept: Kept | null}
 *   | {type: "stop"}} Asked
 *
 * @typedef {{type: "progress", progress: Progress}
 *   | {type: "preview", picture: Blob}
 *   | {type: "kept", kept: Kept}
 *   | {type: "ended", picture: Blob, progress: Progress, kept: Kept | null}
 *   | {type: "failed", error: string}} Answer
 */

/** Milliseconds from one message to the next, at least: so much a page can show. */
const PROGRESS = 200;
const PREVIEW = 700;
/** Milliseconds after which all is put where a closed page does not lose it. */
const KEEP = 30_000;
/** Losses of a curve. */
const POINTS = 500;

/** @type {Graphs} */
let graphs;
/** Sessions must be made one after the other. */
let ready = Promise.resolve();
let stopped = false;

/** @param {Answer} message */
const tell = (message) => postMessage(message);

onmessage = async (/** @type {MessageEvent<Asked>} */ { data }) => {
  if (data.type === "open") {
    graphs = new Graphs(data.told, data.provider, data.page);
    ready = warm().catch(() => {}); // who paints is told what is wrong
  } else if (data.type === "stop") {
    stopped = true;
  } else {
    stopped = false;
    await ready;
    await paint(data).catch((error) => tell({ type: "failed", error: sentence(error) }));
  }
};

/** Let ONNX Runtime begin before it is needed. */
async function warm() {
  const [model] = graphs.told.models;
  const program = await graphs.load(model, model.variation, [16, 16]);
  await program.release();
}

/** @param {Extract<Asked, {type: "paint"}>} asked */
async function paint({ photo, paintings, options, kept }) {
  const settings = settingsOf(graphs.told, options);
  const begun = performance.now() - 1000 * (kept?.seconds ?? 0);
  const seconds = () => (performance.now() - begun) / 1000;
  const painting = await Painting.of(graphs, graphs.told, settings, { photo, paintings });
  const losses = kept?.losses ?? [];
  /** @type {Iterate | null} */
  let here = null;
  const progress = () => {
    if (!here) throw new Error("There is nothing left to paint.");
    return progressOf(here, painting, losses, seconds());
  };
  const keep = async () => {
    const snapshot = await painting.snapshot();
    return snapshot && { snapshot, seconds: seconds(), losses: thinned(losses) };
  };
  const due = { progress: clock(PROGRESS), preview: clock(PREVIEW), kept: clock(KEEP, true) };
  try {
    for await (here of painting.iterates(kept?.snapshot)) {
      losses.push([here.iteration, here.losses.total]);
      if (due.progress()) tell({ type: "progress", progress: progress() });
      if (due.preview()) {
        tell({ type: "preview", picture: await encoded(await painting.picture(), "image/jpeg") });
      }
      if (due.kept()) {
        const found = await keep();
        if (found) tell({ type: "kept", kept: found });
      }
      await turn();
      if (stopped) break;
    }
    const last = progress();
    const finished = last.iteration === last.iterations;
    const picture = await encoded(await painting.picture(), "image/png");
    tell({ type: "ended", picture, progress: last, kept: finished ? null : await keep() });
  } finally {
    await painting.release();
  }
}

/**
 * @param {Iterate} here
 * @param {Painting} painting
 * @param {[number, number][]} losses
 * @param {number} seconds
 * @returns {Progress}
 */
function progressOf({ iteration, scale, scales, size, losses: found }, painting, losses, seconds) {
  return {
    iteration,
    iterations: painting.settings.iterations,
    scale,
    scales,
    width: size[0],
    height: size[1],
    loss: found.total,
    content_loss: found.content,
    style_loss: found.style,
    seconds,
    left: (seconds * (1 - painting.done(iteration))) / painting.done(iteration),
    losses: thinned(losses),
  };
}

/**
 * Return what tells whether so many milliseconds have gone since it last said so.
 *
 * @param {number} every
 * @param {boolean} [later] Whether the first time counts from now.
 */
function clock(every, later = false) {
  let last = later ? performance.now() : -Infinity;
  return () => {
    const now = performance.now();
    if (now - last < every) return false;
    last = now;
    return true;
  };
}

/**
 * Return some of the losses, the first and the last among them.
 *
 * @param {[number, number][]} losses
 */
function thinned(losses) {
  const step = Math.ceil(losses.length / POINTS);
  return losses.filter((_, place) => place % step === 0 || place === losses.length - 1);
}

const { port1, port2 } = new MessageChannel();

/** Let messages come in; timers would wait longer. */
const turn = () =>
  new Promise((resolve) => {
    port1.onmessage = resolve;
    port2.postMessage(null);
  });

/** @param {unknown} error */
function sentence(error) {
  const told = error instanceof Error ? error.message : String(error);
  if (/out of memory|bad_alloc|Array buffer allocation|OOM/i.test(told)) {
    return "The browser has no memory left for so large a picture. Choose a smaller size.";
  }
  return told;
}
