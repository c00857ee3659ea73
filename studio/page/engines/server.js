/** The engine that is a server: `stylize studio`, by its API. Addresses are relative. */

/**
 * @import { Change, Config, Engine, Job } from "../engine.js"
 */

const GONE = "The studio does not answer. Start 'stylize studio' again; nothing is lost.";
const ENDED = new Set(["done", "failed", "stopped"]);

/**
 * @param {Config} _config
 * @returns {Promise<Engine>}
 */
export async function open(_config) {
  /** @type {Map<string, number>} */
  const versions = new Map(); // of pictures, so that no old one is shown out of a cache

  /** @param {Job} job */
  const noted = (job) => {
    versions.set(job.id, job.preview_version);
    return job;
  };

  return {
    async about() {
      const { device, provider, model } = await read("api/health");
      return { device, provider, model, offline: false };
    },
    fields: async () => (await read("api/options")).fields,
    plan: (asked) => read("api/plan", { method: "POST", ...json(asked) }),
    async start({ photo, paintings, options }) {
      const form = new FormData();
      form.append("photo", photo, photo.name ?? "photo");
      for (const each of paintings) form.append("painting", each, each.name ?? "painting");
      for (const [name, value] of Object.entries(options)) form.append(name, String(value));
      return (await read("api/jobs", { method: "POST", body: form })).id;
    },
    async jobs({ before, limit } = {}) {
      const query = new URLSearchParams();
      if (before) query.set("before", before);
      if (limit) query.set("limit", String(limit));
      const { jobs } = await read(`api/jobs?${query}`);
      return jobs.map(noted);
    },
    job: async (id) => noted(await read(of(id))),
    watch: (id, listener) =>
      watch(id, (change) => {
        if (change.type === "job") noted(change.job);
        listener(change);
      }),
    stop: (id) => send(`${of(id)}/stop`, "POST"),
    resume: (id) => send(`${of(id)}/resume`, "POST"),
    remove: (id) => send(of(id), "DELETE"),
    pictureUrl: async (id) => `${of(id)}/picture?version=${versions.get(id) ?? 0}`,
    photoUrl: async (id) => `${of(id)}/photo`,
    paintingUrl: async (id, number) => `${of(id)}/paintings/${number}`,
    recipe: (id) => read(`${of(id)}/recipe`),
  };
}

/** @param {string} id */
const of = (id) => `api/jobs/${encodeURIComponent(id)}`;

/** @param {unknown} value */
const json = (value) => ({
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify(value),
});

/**
 * @param {string} address
 * @param {RequestInit} [request]
 * @returns {Promise<Response>}
 */
async function answered(address, request) {
  const answer = await fetch(address, request).catch(() => null);
  if (!answer) throw new Error(GONE);
  if (!answer.ok) {
    const { error } = await answer.json().catch(() => ({}));
    throw new Error(error ?? `The studio answers with an error (${answer.status}).`);
  }
  return answer;
}

/**
 * @param {string} address
 * @param {RequestInit} [request]
 * @returns {Promise<any>}
 */
const read = async (address, request) => (await answered(address, request)).json();

/**
 * @param {string} address
 * @param {string} method
 */
async function send(address, method) {
  await answered(address, { method });
}

/**
 * The server ends the stream with the job; a stream that ends otherwise is opened again by the
 * browser.
 *
 * @param {string} id
 * @param {(change: Change) => void} listener
 */
function watch(id, listener) {
  const source = new EventSource(`${of(id)}/events`);
  source.addEventListener("job", ({ data }) => {
    /** @type {Job} */
    const job = JSON.parse(data);
    if (ENDED.has(job.state)) source.close();
    listener({ type: "job", job });
  });
  source.addEventListener("progress", ({ data }) => {
    listener({ type: "progress", progress: JSON.parse(data) });
  });
  source.addEventListener("preview", ({ data }) => {
    const { version } = JSON.parse(data);
    listener({ type: "preview", url: `${of(id)}/picture?version=${version}` });
  });
  return () => source.close();
}
