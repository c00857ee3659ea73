"""The read-out of a distilled layer: responses and Gram matrices as of the layer it represents.

A layer of n channels that represents one of N has learnt a matrix A, N x n. A f is about that
layer's response F. Losses see distances alone. With R, n x n and Rᵀ R = Aᵀ A, those of R f are the
same: |R (f - p)| = |A (f - p)|, and |R g Rᵀ| = |A g Aᵀ| for the Gram matrix g of f.
"""

import numpy as np
import numpy.typing as npt

from stylize.export.calculus.graph import Graph
from stylize.export.network.forward import Parameters, add_parameter

Array = npt.NDArray[np.floating]


def square_readout(wide: Array) -> Array:
    """Return R, shape (n, n), upper triangular, with Rᵀ R = Aᵀ A, for A of shape (N, n), n <= N.

    R A⁺ is a rotation of what A can reach, so that all distances are kept.
    """
    return np.linalg.qr(wide).R


def read_response(graph: Graph, parameters: Parameters, readout: str, feature: str) -> str:
    """Append R f, of the response's shape, as a 1x1 convolution."""
    matrix = add_parameter(graph, parameters[readout], graph.dtype_of(feature))
    kernel = graph.add("Unsqueeze", matrix, graph.integers(2, 3))
    return graph.add("Conv", feature, kernel, kernel_shape=[1, 1])


def read_gram(graph: Graph, parameters: Parameters, readout: str, gram: str) -> str:
    """Append R g Rᵀ, the Gram matrix of R f, without computing R f."""
    matrix = add_parameter(graph, parameters[readout], graph.dtype)
    turned = graph.add("Transpose", matrix, perm=[1, 0])
    return graph.add("MatMul", graph.add("MatMul", matrix, gram), turned)


def read_mean(graph: Graph, parameters: Parameters, readout: str, mean: str) -> str:
    """Append R m, the mean of R f, given that of f, shape (n, 1)."""
    matrix = add_parameter(graph, parameters[readout], graph.dtype)
    return graph.add("MatMul", matrix, mean)
