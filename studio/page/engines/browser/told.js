/**
 * What `stylize web` tells the engine in `config.json`. All numbers of the method are from there.
 *
 * @import { Field } from "../../engine.js"
 */

/**
 * @typedef {{name: string, shape: (string | number)[]}} Slot An input or output; a dimension given
 *   by a name depends on the picture's size.
 * @typedef {{file: string, inputs: Slot[], outputs: Slot[]}} Graph
 * @typedef {{name: string, channels: number, represented: number, stride: number}} Layer
 */

/**
 * A model folder, with the graphs that pictures are made with here.
 *
 * @typedef {object} Model
 * @property {string} name
 * @property {string} folder Its address, from the page's.
 * @property {string} weights A file's name.
 * @property {string} weights_sha256
 * @property {string} pooling
 * @property {string[]} files Of the folder, the weights among them.
 * @property {Layer[]} layers
 * @property {number} least_side Pixels that a side must have for all layers to respond.
 * @property {number} feature_scale
 * @property {number[]} mean_colour What preprocessing takes to zero: RGB in 0...1.
 * @property {Graph} gradient
 * @property {string[]} content_layers In the order of the gradient's graph.
 * @property {string[]} style_layers
 * @property {Record<string, number>} content_factors Of relative losses, at a content weight of 1.
 * @property {Record<string, number>} style_factors
 * @property {Graph} content_targets
 * @property {Graph} style_targets
 * @property {{lbfgs: Graph, adam: Graph}} optimizers
 * @property {Graph} variation
 */

/**
 * Numbers of the method that are no options; `runtime/method` and `runtime/pictures` have them.
 *
 * @typedef {object} Method
 * @property {Record<string, number | null>} initial What an optimiser begins with, if not 0; null
 *   is infinity.
 * @property {[number, number]} bounds
 * @property {number} silent
 * @property {number} largest_weight
 * @property {number} worthwhile
 * @property {number} usual_strength
 * @property {number} twice
 * @property {number} furthest
 * @property {number} almost_none
 * @property {number} faint
 * @property {number} least_side
 */

/**
 * All settings of a picture: those of `Options` that the loop looks at.
 *
 * @typedef {object} Settings
 * @property {number} size
 * @property {number | null} painting_size
 * @property {string | number} scales
 * @property {number} coarsest
 * @property {number} scales_per_doubling
 * @property {number} iterations
 * @property {number} margin
 * @property {number} strength
 * @property {number} content_weight
 * @property {number} style_weight
 * @property {number} tv_weight
 * @property {string} init
 * @property {string} colors
 * @property {"lbfgs" | "adam"} optimizer
 * @property {number} history
 * @property {number} learning_rate
 * @property {number} beta2
 * @property {number} seed
 * @property {string} [model]
 */

/**
 * @typedef {object} Told
 * @property {string} engine
 * @property {string} release
 * @property {Model[]} models The first one is taken unless another is chosen.
 * @property {Method} method
 * @property {Settings & Record<string, unknown>} defaults
 * @property {Field[]} fields
 * @property {Record<string, unknown>} recipe What recipes of all pictures say.
 * @property {{wasm: string[], webgpu: string[]}} runtime Addresses: the module, then its WASM.
 * @property {string[]} files All that the page needs, but runtimes and models.
 */

export {};
