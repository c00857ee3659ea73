/**
 * What made a picture, written into the picture, as `stylize run` writes it.
 *
 * @import { Settings, Told, Model } from "./told.js"
 */

/**
 * @param {Told} told
 * @param {Model} model
 * @param {Settings} settings
 * @param {{photo: Blob & {name?: string}, paintings: (Blob & {name?: string})[]}} pictures
 * @param {number} evaluations
 * @param {string} provider
 */
export async function recipeOf(told, model, settings, pictures, evaluations, provider) {
  const chosen = Object.entries(settings).filter(([name]) => name in told.defaults);
  return {
    ...told.recipe,
    provider: provider === "wasm" ? "cpu" : provider, // as Python calls them
    photo: await source(pictures.photo, "photo"),
    paintings: await Promise.all(
      pictures.paintings.map(async (each) => ({
        ...(await source(each, "painting")),
        weight: 1,
        layers: [],
      })),
    ),
    model: { name: model.name, weights_sha256: model.weights_sha256, pooling: model.pooling },
    options: { ...told.defaults, ...Object.fromEntries(chosen) },
    evaluations,
  };
}

/**
 * @param {Blob & {name?: string}} file
 * @param {string} otherwise
 */
async function source(file, otherwise) {
  const sum = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
  const hexadecimal = Array.from(new Uint8Array(sum), (byte) => byte.toString(16).padStart(2, "0"));
  return { path: file.name || otherwise, sha256: hexadecimal.join("") };
}

/**
 * Return a PNG with text chunks after its header.
 *
 * @param {Blob} png
 * @param {Record<string, string>} texts
 */
export async function withTexts(png, texts) {
  const bytes = new Uint8Array(await png.arrayBuffer());
  const header = 8 + 25; // the signature, and the chunk IHDR
  const chunks = Object.entries(texts).map(([key, text]) => international(key, text));
  return new Blob([bytes.subarray(0, header), ...chunks, bytes.subarray(header)], {
    type: "image/png",
  });
}

/**
 * Return a chunk of text in UTF-8: iTXt.
 *
 * @param {string} key
 * @param {string} text
 */
function international(key, text) {
  const body = new TextEncoder().encode(`iTXt${key}\0\0\0\0\0${text}`);
  const chunk = new Uint8Array(body.length + 8);
  const view = new DataView(chunk.buffer);
  view.setUint32(0, body.length - 4);
  chunk.set(body, 4);
  view.setUint32(body.length + 4, crc(body));
  return chunk;
}

/** @param {Uint8Array} bytes */
function crc(bytes) {
  let value = 0xffffffff;
  for (const byte of bytes) {
    value ^= byte;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  }
  return ~value >>> 0;
}
