/**
 * The engine that is the visitor's browser: ONNX Runtime in a worker, a gallery in IndexedDB.
 *
 * Tabs of one browser share the gallery and the queue: whoever holds a job's lock paints it, one
 * at a time, and the others are told by a channel.
 *
 * @import { Change, Config, Engine, Input, Job, Picture, Progress, Values } from "../../engine.js"
 * @import { Files } from "./gallery.js"
 * @import { Told } from "./told.js"
 */

import { findDevice } from "./devices.js";
import { Gallery } from "./gallery.js";
import { isolate } from "./isolation.js";
import { Painter } from "./painter.js";
import { recipeOf, withTexts } from "./recipe.js";
import { modelOf, scaled, settingsOf, stages } from "./settings.js";

/**
 * @param {Config} config
 * @returns {Promise<Engine>}
 */
export async function open(config) {
  /** @type {Told} */
  const told = /** @type {any} */ (config);
  await isolate();
  const gallery = await Gallery.open();
  const painter = new Painter(told, await findDevice());
  const studio = new Studio(told, gallery, painter);
  await studio.findAbandoned();
  navigator.storage?.persist?.();
  keepOffline(told, painter);
  return studio;
}

/**
 * Fetch what was not fetched yet, so that the page works offline from now on.
 *
 * @param {Told} told
 * @param {Painter} painter
 */
async function keepOffline({ runtime, models }, painter) {
  const [{ folder, files }] = models;
  const needed = [...runtime[painter.device.provider], ...files.map((file) => `${folder}/${file}`)];
  for (const path of needed) {
    const answer = await fetch(new URL(path, document.baseURI)).catch(() => null);
    await answer?.arrayBuffer();
  }
}

/**
 * The key of how many seconds a step took for a million pixels.
 *
 * @param {string} model
 * @param {string} provider
 */
const paceOf = (model, provider) => `stylize ${model} ${provider}`;
const ENDED = new Set(["done", "failed", "stopped"]);

/** @implements {Engine} */
class Studio {
  /** @type {Map<string, Set<(change: Change) => void>>} */
  #listeners = new Map();
  /** @type {Map<string, string>} Addresses of blobs, by what they show. */
  #urls = new Map();
  /** @type {Map<string, Blob>} The latest previews. */
  #previews = new Map();
  /** @type {Map<string, Progress>} How far pictures are that are being painted. */
  #progress = new Map();
  /** @type {string[]} Jobs that this tab will paint, the first of them now. */
  #queue = [];
  #others = new BroadcastChannel(`stylize ${new URL(".", document.baseURI).pathname}`);

  /**
   * @param {Told} told
   * @param {Gallery} gallery
   * @param {Painter} painter
   */
  constructor(told, gallery, painter) {
    this.told = told;
    this.gallery = gallery;
    this.painter = painter;
    this.#others.onmessage = ({ data }) => {
      if (data.stop) this.#stopHere(data.stop);
      else this.#heard(data.id, data.change, data.preview);
    };
  }

  about = async () => {
    const { provider, device } = this.painter.device;
    const model = this.told.models.map(({ name }) => name).join(", ");
    return { device, provider, model, offline: true };
  };

  fields = async () => this.told.fields;

  /** @type {Engine["plan"]} */
  plan = async ({ photo, paintings, options }) => {
    const settings = settingsOf(this.told, options);
    const scales = this.#stages(settings, photo, paintings);
    const [width, height] = scaled(photo, settings.size);
    const { provider } = this.painter.device;
    const { name } = modelOf(this.told, settings);
    const pace = Number(localStorage.getItem(paceOf(name, provider)));
    return {
      width,
      height,
      memory_bytes: null,
      seconds: pace ? (pace * worked(scales)) / 1e6 : null,
      provider,
      remarks: remarks(provider),
    };
  };

  /**
   * @param {import("./told.js").Settings} settings
   * @param {[number, number]} photo
   * @param {[number, number][]} paintings
   */
  #stages(settings, photo, paintings) {
    const { method } = this.told;
    const least = Math.max(method.least_side, modelOf(this.told, settings).least_side);
    return stages(settings, photo, paintings, least, method.worthwhile);
  }

  /** @type {Engine["start"]} */
  start = async ({ photo, paintings, options }) => {
    if (!paintings.length) throw new Error("There is no painting. Choose one.");
    const seen = await look(photo, "photo");
    const others = await Promise.all(paintings.map((each) => look(each, "painting")));
    this.#stages(settingsOf(this.told, options), sizeOf(seen), others.map(sizeOf));
    const id = crypto.randomUUID().replaceAll("-", "");
    /** @type {Job} */
    const job = {
      id,
      state: "queued",
      position: null,
      created: new Date().toISOString(),
      started: null,
      finished: null,
      photo: seen,
      paintings: others,
      options,
      progress: null,
      picture: false,
      preview_version: 0,
      error: null,
      resumable: false,
    };
    /** @type {Files} */
    const files = {
      id,
      photo: named(photo, seen),
      paintings: paintings.map((each, place) => named(each, others[place])),
      picture: null,
      recipe: null,
    };
    await this.gallery.write({ job, files }, id);
    this.#enqueue(id);
    return id;
  };

  /** @type {Engine["jobs"]} */
  jobs = async ({ before, limit = 50 } = {}) => {
    const jobs = (await this.gallery.jobs()).map(this.#placed);
    const first = before ? jobs.findIndex(({ id }) => id === before) + 1 : 0;
    return jobs.slice(first, first + limit);
  };

  /** @type {Engine["job"]} */
  job = async (id) => {
    const job = await this.gallery.job(id);
    if (!job) throw new Error("That picture is not in this browser's gallery.");
    return this.#placed(job);
  };

  /** @param {Job} job */
  #placed = (job) => {
    const place = this.#queue.indexOf(job.id);
    const position = job.state === "queued" && place >= 0 ? Math.max(place, 1) : null;
    const progress = this.#progress.get(job.id) ?? job.progress;
    return { ...job, position, progress, picture: job.picture || this.#previews.has(job.id) };
  };

  /** @type {Engine["watch"]} */
  watch = (id, listener) => {
    const listeners = this.#listeners.get(id) ?? new Set();
    this.#listeners.set(id, listeners.add(listener));
    this.job(id).then(
      (job) => listeners.has(listener) && listener({ type: "job", job }),
      () => {}, // it was removed
    );
    return () => void listeners.delete(listener);
  };

  /** @type {Engine["stop"]} */
  stop = async (id) => {
    if (!(await this.#stopHere(id))) this.#others.postMessage({ stop: id });
  };

  /** @type {Engine["resume"]} */
  resume = async (id) => {
    const job = await this.job(id);
    if (!job.resumable) throw new Error("There is nothing to go on with. Start it again.");
    await this.#change(id, { state: "queued", error: null, finished: null, resumable: false });
    this.#enqueue(id);
  };

  /** @type {Engine["remove"]} */
  remove = async (id) => {
    await this.stop(id);
    await free(id);
    await this.gallery.remove(id);
    for (const what of this.#urls.keys()) if (what.startsWith(id)) this.#forget(what);
    this.#previews.delete(id);
    this.#progress.delete(id);
  };

  /** @type {Engine["pictureUrl"]} */
  pictureUrl = async (id) => {
    const preview = this.#urls.get(`${id} preview`);
    if (preview) return preview;
    const { picture } = await this.#files(id);
    if (!picture) throw new Error("There is no picture yet.");
    return this.#url(`${id} picture ${(await this.job(id)).preview_version}`, picture);
  };

  /** @type {Engine["photoUrl"]} */
  photoUrl = async (id) => this.#url(`${id} photo`, (await this.#files(id)).photo);

  /** @type {Engine["paintingUrl"]} */
  paintingUrl = async (id, number) =>
    this.#url(`${id} ${number}`, (await this.#files(id)).paintings[number]);

  /** @type {Engine["recipe"]} */
  recipe = async (id) => {
    const { recipe } = await this.#files(id);
    if (!recipe) throw new Error("There is no picture yet, and so no recipe.");
    return recipe;
  };

  /**
   * Find jobs of tabs that were closed, or will be while this one is open: they can be gone on
   * with. Whoever paints a job holds its lock, which the browser frees at the latest.
   */
  async findAbandoned() {
    for (const { id, state } of await this.gallery.jobs()) {
      if (ENDED.has(state)) continue;
      navigator.locks.request(lockOf(id), async () => {
        const job = await this.gallery.job(id);
        if (job && !ENDED.has(job.state)) {
          await this.#change(id, { state: "stopped", resumable: true });
        }
      });
    }
  }

  /** @param {string} id */
  #enqueue(id) {
    this.#queue.push(id);
    navigator.locks.request(lockOf(id), () =>
      navigator.locks.request(lockOf("the painter"), async () => {
        try {
          await this.#paint(id);
        } catch (error) {
          await this.#fail(id, error);
        } finally {
          this.#queue = this.#queue.filter((each) => each !== id);
          await this.#tellPositions();
        }
      }),
    );
  }

  /** @param {string} id */
  async #paint(id) {
    const job = await this.gallery.job(id);
    if (job?.state !== "queued") return; // it was stopped, or removed
    const started = job.started ?? new Date().toISOString();
    await this.#change(id, { state: "running", started });
    const files = await this.#files(id);
    const kept = (await this.gallery.kept(id)) ?? null;
    const ended = await this.painter.paint(
      { ...files, options: job.options, kept },
      {
        progress: (progress) => this.#goOn(id, progress),
        preview: (picture) => this.#show(id, picture),
        kept: (found) => void this.gallery.write({ kept: { id, ...found } }, id).catch(() => {}),
      },
    );
    await this.#finish(id, files, job.options, ended);
  }

  /**
   * @param {string} id
   * @param {Files} files
   * @param {Values} options
   * @param {import("./painter.js").Ended} ended
   */
  async #finish(id, files, options, { picture, progress, kept }) {
    const settings = settingsOf(this.told, options);
    const model = modelOf(this.told, settings);
    const { iteration, iterations } = progress;
    const { provider } = this.painter.device;
    const recipe = await recipeOf(this.told, model, settings, files, iteration, provider);
    const png = await withTexts(picture, {
      Software: `stylize ${this.told.release}`,
      stylize: JSON.stringify(recipe),
    });
    const whole = iteration === iterations;
    const before = await this.job(id);
    if (whole) {
      const { photo, paintings } = before;
      const scales = this.#stages(settings, sizeOf(photo), paintings.map(sizeOf));
      const pace = (1e6 * progress.seconds) / worked(scales);
      localStorage.setItem(paceOf(model.name, provider), String(pace));
    }
    /** @type {Job} */
    const job = {
      ...before,
      state: whole ? "done" : "stopped",
      finished: new Date().toISOString(),
      progress,
      picture: true,
      preview_version: before.preview_version + 1,
      resumable: !whole,
    };
    await this.gallery.write(
      { job, files: { ...files, picture: png, recipe }, kept: kept && { id, ...kept } },
      id,
    );
    this.#tell(id, { type: "progress", progress });
    this.#endPreviews(id);
    const url = this.#url(`${id} picture ${job.preview_version}`, png);
    this.#tell(id, { type: "preview", url }, png);
    this.#tell(id, { type: "job", job });
  }

  /**
   * @param {string} id
   * @param {unknown} error
   */
  async #fail(id, error) {
    const told = error instanceof Error ? error.message : String(error);
    const finished = new Date().toISOString();
    const resumable = Boolean(await this.gallery.kept(id).catch(() => null));
    this.#endPreviews(id);
    await this.#change(id, { state: "failed", error: told, finished, resumable }).catch(() => {});
  }

  /** @param {string} id */
  #endPreviews(id) {
    this.#previews.delete(id);
    this.#progress.delete(id);
    this.#forget(`${id} preview`);
  }

  /**
   * @param {string} id
   * @param {Progress} progress
   */
  #goOn(id, progress) {
    this.#progress.set(id, progress);
    this.#tell(id, { type: "progress", progress });
  }

  /**
   * Stop a job, if this tab has it. What there is of it stays.
   *
   * @param {string} id
   */
  async #stopHere(id) {
    const place = this.#queue.indexOf(id);
    if (place < 0) return false;
    const job = await this.gallery.job(id);
    if (job?.state === "running") this.painter.stop();
    else if (job?.state === "queued") {
      await this.#change(id, { state: "stopped", resumable: true, position: null });
    }
    return true;
  }

  /**
   * @param {string} id
   * @param {Blob} picture
   */
  #show(id, picture) {
    this.#previews.set(id, picture);
    this.#forget(`${id} preview`);
    this.#tell(id, { type: "preview", url: this.#url(`${id} preview`, picture) }, picture);
  }

  /**
   * @param {string} id
   * @param {Partial<Job>} changed
   */
  async #change(id, changed) {
    const job = { ...(await this.job(id)), ...changed };
    await this.gallery.write({ job }, id);
    this.#tell(id, { type: "job", job: this.#placed(job) });
  }

  async #tellPositions() {
    for (const id of this.#queue) this.#tell(id, { type: "job", job: await this.job(id) });
  }

  /**
   * @param {string} id
   * @param {Change} change
   * @param {Blob} [preview] Whose address the change has; other tabs have one of their own.
   */
  #tell(id, change, preview) {
    this.#others.postMessage({ id, change, preview });
    for (const listener of this.#listeners.get(id) ?? []) listener(change);
  }

  /**
   * @param {string} id
   * @param {Change} change
   * @param {Blob} [preview]
   */
  #heard(id, change, preview) {
    if (!preview || change.type !== "preview") {
      for (const listener of this.#listeners.get(id) ?? []) listener(change);
      return;
    }
    this.#forget(`${id} of another tab`);
    const url = this.#url(`${id} of another tab`, preview);
    for (const listener of this.#listeners.get(id) ?? []) listener({ type: "preview", url });
  }

  /** @param {string} id */
  async #files(id) {
    const files = await this.gallery.files(id);
    if (!files) throw new Error("That picture is not in this browser's gallery.");
    return files;
  }

  /**
   * Return the address of a blob.
   *
   * @param {string} what What it shows, which has one address until it is forgotten.
   * @param {Blob} blob
   */
  #url(what, blob) {
    const url = this.#urls.get(what) ?? URL.createObjectURL(blob);
    this.#urls.set(what, url);
    return url;
  }

  /** @param {string} what */
  #forget(what) {
    const url = this.#urls.get(what);
    // A picture that is still loading would break.
    if (url) setTimeout(() => URL.revokeObjectURL(url), 10_000);
    this.#urls.delete(what);
  }
}

/** @param {string} what */
const lockOf = (what) => `stylize ${new URL(".", document.baseURI).pathname} ${what}`;

/**
 * Wait until nobody paints a job.
 *
 * @param {string} id
 */
const free = (id) => navigator.locks.request(lockOf(id), () => {});

/**
 * Return what a page is told of a picture. One that is none is refused at once.
 *
 * @param {Picture} picture
 * @param {string} what
 * @returns {Promise<Input>}
 */
async function look(picture, what) {
  const name = picture.name || what;
  const bitmap = await createImageBitmap(picture).catch(() => null);
  if (!bitmap) {
    throw new Error(`The ${what} '${name}' is no picture that this browser can read.`);
  }
  const { width, height } = bitmap;
  bitmap.close();
  return { name, width, height };
}

/**
 * Return a picture that keeps its name in the gallery.
 *
 * @param {Picture} picture
 * @param {Input} seen
 */
const named = (picture, { name }) => new File([picture], name, { type: picture.type });

/**
 * @param {string} provider
 * @returns {string[]}
 */
function remarks(provider) {
  if (provider === "webgpu" || globalThis.crossOriginIsolated) return [];
  return [
    "This page computes with one thread, since the browser does not isolate it. " +
      "Open it by https, or as localhost.",
  ];
}

/**
 * Return the pixels of all steps.
 *
 * @param {import("./settings.js").Stage[]} scales
 */
const worked = (scales) =>
  scales.reduce((sum, { size, iterations }) => sum + iterations * size[0] * size[1], 0);

/**
 * @param {Input} input
 * @returns {[number, number]}
 */
const sizeOf = ({ width, height }) => [width, height];
