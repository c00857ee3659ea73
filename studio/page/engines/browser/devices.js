/**
 * What computes in this browser: WebGPU where there is one, else WASM with SIMD and threads.
 *
 * @import { Provider } from "./graphs.js"
 */

import { threads } from "./graphs.js";

/** @typedef {{provider: Provider, device: string}} Device */

/**
 * Return what computes. `?provider=wasm` or `=webgpu` in the page's address chooses.
 *
 * @returns {Promise<Device>}
 */
export async function findDevice() {
  const asked = new URLSearchParams(location.search).get("provider");
  if (asked !== "wasm") {
    const gpu = await adapter();
    if (gpu && (asked === "webgpu" || !gpu.software)) {
      return { provider: "webgpu", device: gpu.name };
    }
  }
  return processor();
}

/** @returns {Device} */
export function processor() {
  const count = threads();
  return { provider: "wasm", device: `CPU, ${count} ${count === 1 ? "thread" : "threads"}` };
}

/** TypeScript's own types do not know WebGPU everywhere yet. */
async function adapter() {
  /** @type {any} */
  const gpu = Reflect.get(navigator, "gpu");
  const found = await gpu?.requestAdapter().catch(() => null);
  if (!found) return null;
  const { vendor, architecture, description, isFallbackAdapter } = found.info;
  const name = description || [vendor, architecture].filter(Boolean).join(" ") || "GPU";
  return { name, software: isFallbackAdapter || architecture === "swiftshader" };
}
