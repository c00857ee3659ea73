/** The view of one picture: how it grows, what can be done with it, how it was made. */

import { announce } from "./announce.js";
import { ask } from "./ask.js";
import { Compare } from "./compare.js";
import { Curve } from "./curve.js";
import { make, onPress, part, tell } from "./dom.js";
import { called, left, part as share, passed, passing, standing, title } from "./words.js";

/** @import { Change, Engine, Job, Picture, Values } from "./engine.js" */

/**
 * @typedef {object} Calls What the view asks the page to do.
 * @property {(job: Job) => void} changed
 * @property {(id: string) => void} removed
 * @property {(id: string) => void} started
 * @property {(photo: Picture, paintings: Picture[], options: Values) => void} again
 */

const ACTIVE = new Set(["queued", "running"]);

export class JobView {
  #engine;
  #calls;
  #compare = new Compare();
  #curve = new Curve();
  #error = part("job-error", HTMLElement);
  /** @type {Job | null} */
  #job = null;
  #unwatch = () => {};
  /** Counts the jobs that were asked for, so that one that comes late is not shown. */
  #asked = 0;
  /** Of the progress: what was announced last. */
  #quarter = 0;

  /**
   * @param {Engine} engine
   * @param {Calls} calls
   */
  constructor(engine, calls) {
    this.#engine = engine;
    this.#calls = calls;
    /** @type {[string, (job: Job) => Promise<unknown>][]} */
    const actions = [
      ["stop", ({ id }) => engine.stop(id)],
      ["resume", (job) => this.#resume(job)],
      ["again", (job) => this.#again(job)],
      ["rerun", (job) => this.#rerun(job)],
      ["remove", (job) => this.#remove(job)],
    ];
    for (const [name, action] of actions) {
      onPress(part(name, HTMLButtonElement), this.#error, async () => {
        if (this.#job) await action(this.#job);
      });
    }
    const recipe = part("recipe", HTMLDetailsElement);
    recipe.addEventListener("toggle", () => this.#showRecipe());
    onPress(part("recipe-copy", HTMLButtonElement), this.#error, async () => {
      await navigator.clipboard.writeText(part("recipe-text", HTMLElement).textContent ?? "");
      announce("The recipe is in the clipboard.");
    });
  }

  /**
   * Show a job, unless another one is asked for before it is there.
   *
   * @param {string} id
   */
  async show(id) {
    this.leave();
    tell(this.#error);
    const asked = this.#asked;
    const job = await this.#engine.job(id);
    const urls = await this.#inputUrls(job);
    if (asked !== this.#asked) return;
    const { name, width, height } = job.photo;
    this.#quarter = 0;
    this.#compare.begin(urls[0] ?? "", name, [width, height]);
    part("recipe", HTMLDetailsElement).open = false;
    showInputs(job, urls);
    this.#showOptions(job);
    this.#take(job);
    await this.#showAll(job);
    if (asked === this.#asked && ACTIVE.has(job.state)) this.#watch(id);
  }

  leave() {
    this.#asked += 1;
    this.#unwatch();
    this.#unwatch = () => {};
    this.#job = null;
  }

  /** @param {string} id */
  #watch(id) {
    this.#unwatch();
    this.#unwatch = this.#engine.watch(id, (change) => {
      this.#hear(change).catch((error) => tell(this.#error, error));
    });
  }

  /** @param {Job} job With its losses. */
  async #showAll({ id, picture, progress }) {
    this.#curve.show(progress?.losses ?? [], progress?.iterations ?? 1);
    if (picture) this.#showPicture(await this.#engine.pictureUrl(id));
  }

  /** @param {Change} change */
  async #hear(change) {
    const job = this.#job;
    if (!job) return;
    if (change.type === "preview") {
      this.#showPicture(change.url);
    } else if (change.type === "progress") {
      this.#progress({ ...job, progress: change.progress });
    } else {
      this.#take(change.job);
      if (change.job.state !== job.state) announce(`${standing(change.job)}.`);
      if (ACTIVE.has(change.job.state)) return;
      const whole = await this.#engine.job(job.id);
      if (this.#job?.id === job.id) await this.#showAll(whole);
    }
  }

  /** @param {Job} job */
  #progress(job) {
    this.#take(job);
    const { progress } = job;
    if (!progress) return;
    this.#curve.add([progress.iteration, progress.loss], progress.iterations);
    const quarter = Math.floor(4 * share(progress));
    const told = quarter <= this.#quarter || quarter === 4;
    if (!told) announce([`${25 * quarter} percent`, left(progress)].filter(Boolean).join(", "));
    this.#quarter = quarter;
  }

  /** @param {Job} job */
  #take(job) {
    this.#job = job;
    part("job-title", HTMLElement).textContent = title(job);
    const state = part("job-state", HTMLElement);
    state.textContent = standing(job);
    state.dataset["state"] = job.state;
    const { progress } = job;
    const bar = part("job-progress", HTMLProgressElement);
    bar.hidden = !ACTIVE.has(job.state);
    bar.value = progress ? share(progress) : 0;
    const tellOf = job.state === "running" ? passing : passed;
    part("job-passing", HTMLElement).textContent = progress ? tellOf(progress) : "";
    tell(part("job-failure", HTMLElement), job.error ?? "");
    this.#offer(job);
    this.#calls.changed(job);
  }

  /** @param {Job} job */
  #offer({ id, state, picture, resumable }) {
    const active = ACTIVE.has(state);
    const stop = part("stop", HTMLElement);
    const focused = document.activeElement;
    stop.textContent = state === "queued" ? "Take out of the queue" : "Stop and keep";
    stop.hidden = !active;
    part("resume", HTMLElement).hidden = active || !resumable;
    part("rerun", HTMLElement).hidden = active;
    const download = part("download", HTMLAnchorElement);
    download.hidden = active || !picture;
    part("recipe", HTMLElement).hidden = active || !picture;
    if (!download.hidden && download.dataset["job"] !== id) this.#link(id, download);
    if (focused instanceof HTMLElement && focused.closest("#job") && focused.hidden) {
      part("job-title", HTMLElement).focus();
    }
  }

  /** @param {string} id @param {HTMLAnchorElement} link */
  async #link(id, link) {
    link.dataset["job"] = id;
    link.href = await this.#engine.pictureUrl(id);
    link.download = `${part("job-title", HTMLElement).textContent}.png`;
  }

  /** @param {string} url */
  #showPicture(url) {
    if (this.#job) this.#compare.show(url, `${title(this.#job)}, the picture`);
  }

  /** @param {Job} job */
  #inputUrls({ id, paintings }) {
    const numbers = paintings.keys();
    return Promise.all([
      this.#engine.photoUrl(id),
      ...[...numbers].map((number) => this.#engine.paintingUrl(id, number)),
    ]);
  }

  /** @param {Job} job */
  #showOptions({ options }) {
    const given = Object.entries(options);
    part("job-options", HTMLElement).replaceChildren(
      ...given.flatMap(([name, value]) => [
        make("dt", { textContent: called(name) }),
        make("dd", { textContent: String(value) }),
      ]),
    );
    part("job-defaults", HTMLElement).hidden = given.length > 0;
  }

  async #showRecipe() {
    const text = part("recipe-text", HTMLElement);
    text.textContent = "";
    if (!this.#job || !part("recipe", HTMLDetailsElement).open) return;
    try {
      text.textContent = JSON.stringify(await this.#engine.recipe(this.#job.id), null, 2);
    } catch (error) {
      tell(this.#error, error);
    }
  }

  /** @param {Job} job */
  async #resume({ id }) {
    await this.#engine.resume(id);
    await this.show(id);
    part("job-title", HTMLElement).focus();
  }

  /** @param {Job} job */
  async #again(job) {
    const { photo, paintings } = await this.#files(job);
    this.#calls.again(photo, paintings, job.options);
  }

  /** @param {Job} job */
  async #rerun(job) {
    const files = await this.#files(job);
    this.#calls.started(await this.#engine.start({ ...files, options: job.options }));
  }

  /** @param {Job} job */
  async #files(job) {
    const names = [job.photo, ...job.paintings].map(({ name }) => name);
    const urls = await this.#inputUrls(job);
    const files = urls.map((url, number) => fetched(url, names[number] ?? ""));
    const [photo, ...paintings] = await Promise.all(files);
    if (!photo) throw new Error("The photo is gone.");
    return { photo, paintings };
  }

  /** @param {Job} job */
  async #remove(job) {
    if (!(await ask(`Delete “${title(job)}”? This cannot be undone.`, "Delete"))) return;
    await this.#engine.remove(job.id);
    this.leave();
    announce(`Deleted: ${title(job)}`);
    this.#calls.removed(job.id);
  }
}

/** @param {Job} job @param {string[]} urls Of the photo and the paintings. */
function showInputs({ photo, paintings }, urls) {
  part("job-inputs", HTMLElement).replaceChildren(
    ...[photo, ...paintings].map(({ name }, number) => {
      const kind = number ? "Painting" : "Photo";
      const image = make("img", { src: urls[number], alt: `${kind}: ${name}`, title: name });
      return make("li", {}, image);
    }),
  );
}

/** @param {string} url @param {string} name */
async function fetched(url, name) {
  const answer = await fetch(url).catch(() => null);
  if (!answer?.ok) throw new Error(`'${name}' cannot be loaded any more. Choose the file again.`);
  const blob = await answer.blob();
  return new File([blob], name, { type: blob.type });
}
