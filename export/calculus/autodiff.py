"""Reverse-mode differentiation over an ONNX graph.

The gradient of a network is derived from its forward graph, node by node, by the chain rule; no
second network is written by hand. `stylize.export.calculus.rules` holds one rule for each operator.
"""

from collections.abc import Collection, Mapping, Sequence

import onnx

from stylize.export.calculus.graph import Graph, needed
from stylize.export.calculus.rules import FLAT, RULES, Rule
from stylize.models.errors import UnsupportedOperatorError


def differentiate(graph: Graph, loss: str, wrt: str) -> str:
    """Append the nodes that compute the gradient of `loss`, and return the gradient's name.

    Parameters
    ----------
    graph : Graph
        The forward graph; it gains the backward nodes.
    loss : str
        A scalar value of the graph.
    wrt : str
        The value to differentiate by; the gradient has its shape.

    Raises
    ------
    UnsupportedOperatorError
        An operator between `wrt` and `loss` has no rule, or `loss` does not depend on `wrt`.
    """
    return pull_back(graph, {loss: graph.constant(1)}, wrt)


def pull_back(graph: Graph, gradients: Mapping[str, str], wrt: str) -> str:
    """Append the nodes that compute a gradient by `wrt`, given those by what follows from it.

    Parameters
    ----------
    graph : Graph
        The forward graph; it gains the backward nodes.
    gradients : mapping of str to str
        For some values of the graph, the value that holds a loss's gradient by it. Together they
        are all ways in which the loss depends on `wrt`.
    wrt : str
        The value to differentiate by; the gradient has its shape.

    Raises
    ------
    UnsupportedOperatorError
        As `differentiate`.
    """
    return pull_back_to(graph, gradients, [wrt])[wrt]


def pull_back_to(
    graph: Graph, gradients: Mapping[str, str], wrts: Collection[str]
) -> dict[str, str]:
    """Do the same for several values at once, none of which follows from another.

    That by a value on which nothing depends is 0.
    """
    path, active = _path(graph, gradients, wrts)
    contributions = {value: [gradient] for value, gradient in gradients.items()}
    for node in reversed(path):
        if node.output[0] not in contributions:  # what follows from it is held
            continue
        gradient = _sum(graph, contributions.pop(node.output[0]))
        wanted = frozenset(i for i, value in enumerate(node.input) if value in active)
        for index, contribution in _rule(node)(graph, node, gradient, wanted).items():
            contributions.setdefault(node.input[index], []).append(contribution)
    return {
        wrt: _sum(graph, contributions[wrt])
        if wrt in contributions
        else graph.add("Mul", wrt, graph.constant(0))
        for wrt in wrts
    }


def _sum(graph: Graph, contributions: Sequence[str]) -> str:
    """Append the sum of gradients.

    A product of matrices takes in one that is the same in every column, as a sum it begins with.
    """
    if len(contributions) == 1:
        return contributions[0]
    producers = {node.output[0]: node for node in graph.nodes if node.output[0] in contributions}
    product, column = (
        next((node for node in producers.values() if node.op_type == op), None)
        for op in ("Gemm", "Expand")
    )
    if product is None or column is None or len(product.input) > 2:
        return graph.sum(contributions)
    one = graph.add("Gemm", *product.input, column.input[0], name=product.output[0])
    others = [each for each in contributions if each not in (*product.output, *column.output)]
    return graph.sum([one, *others])


def _path(
    graph: Graph, losses: Collection[str], wrts: Collection[str]
) -> tuple[list[onnx.NodeProto], set[str]]:
    """Return the nodes that lead from `wrts` to `losses`, and all values that depend on these."""
    active = {*wrts}
    path = []
    for node in needed([node for node in graph.nodes if node.op_type not in FLAT], losses):
        if active.intersection(node.input) and node.output[0] not in graph.held:
            active.update(node.output)
            path.append(node)
    for loss in losses:
        if loss not in active:
            raise UnsupportedOperatorError(f"'{loss}' does not depend on '{', '.join(wrts)}'.")
    return path, active


def _rule(node: onnx.NodeProto) -> Rule:
    if node.op_type not in RULES:
        known = ", ".join(sorted(RULES))
        raise UnsupportedOperatorError(
            f"No gradient rule for the operator {node.op_type} (value '{node.output[0]}'); "
            f"there are rules for {known}. Add one to stylize.export.calculus.rules."
        )
    return RULES[node.op_type]
