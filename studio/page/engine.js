/**
 * What the page knows of whoever makes the pictures: types, and the choice of an engine.
 *
 * An engine is a module with a function `open(config)`. The page calls nothing else, so it is the
 * same page on a server of this machine and in a browser alone.
 */

/**
 * @typedef {"queued" | "running" | "done" | "failed" | "stopped"} State
 * @typedef {string | number | boolean} Value
 * @typedef {Record<string, Value>} Values Options by their names, only those that were given.
 * @typedef {Blob & {name?: string}} Picture
 */

/**
 * One option, as the page offers it.
 *
 * @typedef {object} Field
 * @property {string} name
 * @property {string} label
 * @property {string} help
 * @property {"number" | "integer" | "choice" | "switch" | "text"} kind
 * @property {number | null} minimum
 * @property {number | null} maximum
 * @property {"linear" | "log"} scale
 * @property {Value | null} default Null: the engine decides.
 * @property {string[] | null} choices
 * @property {"picture" | "look" | "more"} group
 */

/**
 * @typedef {object} Progress
 * @property {number} iteration
 * @property {number} iterations Of all scales together.
 * @property {number} scale Counted from 1.
 * @property {number} scales
 * @property {number} width
 * @property {number} height
 * @property {number} loss
 * @property {number | null} content_loss
 * @property {number | null} style_loss
 * @property {number} seconds Since the start.
 * @property {number | null} left Seconds.
 * @property {[number, number][]} [losses] Iterations with their losses, thinned. Only in a job that
 *   was asked for.
 */

/**
 * @typedef {object} Input
 * @property {string} name As the visitor's file was called: a stranger's words.
 * @property {number} width
 * @property {number} height
 */

/**
 * @typedef {object} Job
 * @property {string} id
 * @property {State} state
 * @property {number | null} position In the queue; 1 is next.
 * @property {string} created ISO 8601.
 * @property {string | null} started
 * @property {string | null} finished
 * @property {Input} photo
 * @property {Input[]} paintings
 * @property {Values} options
 * @property {Progress | null} progress
 * @property {boolean} picture Whether there is one yet.
 * @property {number} preview_version Grows with each preview.
 * @property {string | null} error A sentence.
 * @property {boolean} resumable
 */

/**
 * @typedef {object} Plan
 * @property {number} width
 * @property {number} height
 * @property {number | null} memory_bytes
 * @property {number | null} seconds Null: not known.
 * @property {string} provider
 * @property {string[]} remarks
 */

/**
 * @typedef {object} About
 * @property {string} device
 * @property {string} provider
 * @property {string} model
 * @property {boolean} offline Whether pictures stay in this browser.
 */

/**
 * @typedef {{type: "job", job: Job}
 *   | {type: "progress", progress: Progress}
 *   | {type: "preview", url: string}} Change
 */

/**
 * @typedef {object} Page A part of the list of jobs, newest first.
 * @property {string} [before] Only jobs that are older than this one.
 * @property {number} [limit]
 */

/**
 * All functions reject with an `Error` whose message is a sentence for people.
 *
 * @typedef {object} Engine
 * @property {() => Promise<About>} about
 * @property {() => Promise<Field[]>} fields
 * @property {(asked: {photo: [number, number], paintings: [number, number][], options: Values}) =>
 *   Promise<Plan | null>} plan
 * @property {(asked: {photo: Picture, paintings: Picture[], options: Values}) =>
 *   Promise<string>} start Resolves to the job's id.
 * @property {(page?: Page) => Promise<Job[]>} jobs
 * @property {(id: string) => Promise<Job>} job
 * @property {(id: string, listener: (change: Change) => void) => () => void} watch Returns what
 *   ends the watch.
 * @property {(id: string) => Promise<void>} stop Ends a job early; what there is of it stays.
 * @property {(id: string) => Promise<void>} resume
 * @property {(id: string) => Promise<void>} remove
 * @property {(id: string) => Promise<string>} pictureUrl
 * @property {(id: string) => Promise<string>} photoUrl
 * @property {(id: string, number: number) => Promise<string>} paintingUrl Counted from 0.
 * @property {(id: string) => Promise<object>} recipe
 */

/** @typedef {{engine: string} & Record<string, unknown>} Config */

/** @type {Record<string, string>} */
const MODULES = { server: "./engines/server.js", browser: "./engines/browser/index.js" };

/**
 * Open the engine that `config.json`, beside this page, names.
 *
 * @returns {Promise<Engine>}
 */
export async function openEngine() {
  const answer = await fetch("config.json").catch(() => null);
  if (!answer?.ok) throw new Error("The page finds no config.json beside it. Reload it.");
  /** @type {Config} */
  const config = await answer.json();
  const module = Object.hasOwn(MODULES, config.engine) ? MODULES[config.engine] : undefined;
  if (!module) throw new Error(`The page knows no engine '${config.engine}'.`);
  /** @type {{open(config: Config): Promise<Engine>}} */
  const { open } = await import(module);
  return open(config);
}
