/**
 * The gallery: jobs and their pictures in this browser's IndexedDB. Nothing leaves the machine.
 *
 * @import { Job } from "../../engine.js"
 * @import { Kept } from "./worker.js"
 */

/**
 * What is kept of a job beside what the page sees.
 *
 * @typedef {object} Files
 * @property {string} id
 * @property {Blob} photo
 * @property {Blob[]} paintings
 * @property {Blob | null} picture
 * @property {object | null} recipe
 */

/** @typedef {{id: string} & Kept} KeptOf */

const STORES = ["jobs", "files", "kept"];

export class Gallery {
  /** @param {IDBDatabase} database */
  constructor(database) {
    this.database = database;
  }

  static async open() {
    const opening = indexedDB.open(`stylize ${new URL(".", document.baseURI).pathname}`, 1);
    opening.onupgradeneeded = () => {
      for (const name of STORES) opening.result.createObjectStore(name, { keyPath: "id" });
    };
    const database = await found(opening);
    database.onversionchange = () => database.close();
    return new Gallery(database);
  }

  /** @returns {Promise<Job[]>} Newest first. */
  async jobs() {
    /** @type {Job[]} */
    const jobs = await found(this.#store("jobs").getAll());
    return jobs.sort((one, other) => (one.created < other.created ? 1 : -1));
  }

  /** @param {string} id @returns {Promise<Job | undefined>} */
  job(id) {
    return found(this.#store("jobs").get(id));
  }

  /** @param {string} id @returns {Promise<Files | undefined>} */
  files(id) {
    return found(this.#store("files").get(id));
  }

  /** @param {string} id @returns {Promise<KeptOf | undefined>} */
  kept(id) {
    return found(this.#store("kept").get(id));
  }

  /**
   * Write all that is given, or nothing.
   *
   * @param {{job?: Job, files?: Files, kept?: KeptOf | null}} given Null: what was kept goes.
   * @param {string} id
   */
  write({ job, files, kept }, id) {
    return this.#together((store) => {
      if (job) store("jobs").put(job);
      if (files) store("files").put(files);
      if (kept) store("kept").put(kept);
      if (kept === null) store("kept").delete(id);
    });
  }

  /** @param {string} id */
  remove(id) {
    return this.#together((store) => STORES.forEach((name) => store(name).delete(id)));
  }

  /** @param {string} name */
  #store(name) {
    return this.database.transaction(name).objectStore(name);
  }

  /**
   * @param {(store: (name: string) => IDBObjectStore) => void} change
   * @returns {Promise<void>}
   */
  #together(change) {
    const transaction = this.database.transaction(STORES, "readwrite");
    change((name) => transaction.objectStore(name));
    return new Promise((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onerror = transaction.onabort = () => reject(fault(transaction.error));
    });
  }
}

/**
 * @template T
 * @param {IDBRequest<T>} request
 * @returns {Promise<T>}
 */
const found = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(fault(request.error));
  });

/** @param {DOMException | null} error */
function fault(error) {
  if (error?.name === "QuotaExceededError") {
    return new Error("The browser has no room left for pictures. Delete some of the gallery.");
  }
  return new Error(`The browser's gallery cannot be used: ${error?.message ?? "it was closed"}.`);
}
