"""From a network's weights to a model folder: graphs of features, losses and their gradients.

Rooms, from the top floor down; each imports only from those below it:

- `writing`: model folders, written and verified.
- `lowering`, `method`, `sources`: the graphs for ONNX Runtime's blocked layout; the paper's losses,
  the gradients, the optimisers; where weights come from.
- `network`: VGG-19, its weights and its forward graph.
- `calculus`: graphs, formulas over them, and their derivatives.

Nothing here runs a graph on a provider, and nothing here knows the runtime.
"""
