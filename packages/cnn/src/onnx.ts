import { CnnError } from "./errors.js";
import type { LayerDescription } from "./layers.js";
import { bytesField, join, varintField } from "./protobuf.js";
import { flattenings, foreignTensors } from "./pytorch.js";
import type { SafetensorsTensor } from "./safetensors.js";
import type { Sequential } from "./sequential.js";

/*
 * Field numbers of onnx.proto3 (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3), as far as they are used here.
 */
const MODEL = { irVersion: 1, producerName: 2, graph: 7, opsetImport: 8 } as const;
const OPSET = { domain: 1, version: 2 } as const;
const GRAPH = { node: 1, name: 2, initializer: 5, input: 11, output: 12 } as const;
const NODE = { input: 1, output: 2, name: 3, opType: 4, attribute: 5 } as const;
const ATTRIBUTE = { name: 1, i: 3, ints: 8, type: 20 } as const;
const TENSOR = { dims: 1, dataType: 2, name: 8, rawData: 9 } as const;
const VALUE = { name: 1, type: 2 } as const;
const TYPE = { tensor: 1 } as const;
const TENSOR_TYPE = { elementType: 1, shape: 2 } as const;
const SHAPE = { dimension: 1 } as const;
const DIMENSION = { value: 1, parameter: 2 } as const;

const FLOAT = 1;
const ATTRIBUTE_INT = 2;
const ATTRIBUTE_INTS = 7;
const IR_VERSION = 8;
const OPERATOR_SET = 13;

/**
 * The network as an ONNX model, for prediction: input `input` [batch, channels, height, width], normalised, or [batch, values]
 * where the network takes a row of them; output `logits` [batch, classes]. Dropout does nothing in a prediction and is left
 * out.
 * @throws CnnError INVALID_ARGUMENT if the network does not end with one value a class; NOT_FINITE naming a tensor that holds
 * NaN or Infinity
 */
export function toOnnx(model: Sequential): Uint8Array<ArrayBuffer> {
  const [classes, ...rest] = model.outputShape;
  if (classes === undefined || rest.length > 0) {
    throw new CnnError("INVALID_ARGUMENT", `onnx: the network ends with [${model.outputShape}], not with [classes]`);
  }
  const graph = [
    ...encodeNodes(operatorsOf(model)),
    bytesField(GRAPH.name, "network"),
    ...[...foreignTensors(model)].map(([name, tensor]) => bytesField(GRAPH.initializer, encodeTensor(name, tensor))),
    bytesField(GRAPH.input, encodeValue("input", foreignShape(model.input))),
    bytesField(GRAPH.output, encodeValue("logits", [classes])),
  ];
  return join([
    varintField(MODEL.irVersion, IR_VERSION),
    bytesField(MODEL.producerName, "@cifar/cnn"),
    bytesField(MODEL.graph, graph),
    bytesField(MODEL.opsetImport, [bytesField(OPSET.domain, ""), varintField(OPSET.version, OPERATOR_SET)]),
  ]);
}

/** Pictures are [channels, height, width] there; whatever else is as it is here. */
function foreignShape(shape: readonly number[]): readonly number[] {
  const [height, width, channels] = shape;
  return shape.length === 3 ? [channels!, height!, width!] : shape;
}

interface Operator {
  readonly name: string;
  readonly type: string;
  readonly attributes: readonly Uint8Array[];
  /** Names of tensors beside what the operator before gives. */
  readonly parameters: readonly string[];
}

/** What is done in a prediction, one after the other. */
function operatorsOf(model: Sequential): Operator[] {
  const turned = new Set(
    flattenings(model.placed)
      .filter(({ linear }) => linear === undefined)
      .map(({ index }) => index),
  );
  const operators = model.layers.flatMap((layer, index): Operator[] => {
    const operator = operatorOf(layer, `${index}`);
    if (operator === undefined) return [];
    // Channels last, as they are here: no weights that follow could be turned instead.
    const transpose = { name: `${index}.turn`, type: "Transpose", attributes: [integers("perm", [0, 2, 3, 1])] };
    return turned.has(index) ? [{ ...transpose, parameters: [] }, operator] : [operator];
  });
  // A graph's output has to come from somewhere.
  return operators.length > 0 ? operators : [{ name: "same", type: "Identity", attributes: [], parameters: [] }];
}

function encodeNodes(operators: readonly Operator[]): Uint8Array[] {
  let current = "input";
  return operators.map(({ name, type, attributes, parameters }, position) => {
    const input = current;
    current = position === operators.length - 1 ? "logits" : `${name}.output`;
    return bytesField(GRAPH.node, [
      ...[input, ...parameters].map((each) => bytesField(NODE.input, each)),
      bytesField(NODE.output, current),
      bytesField(NODE.name, name),
      bytesField(NODE.opType, type),
      ...attributes,
    ]);
  });
}

/** Undefined for layers that do nothing in a prediction. */
function operatorOf(layer: LayerDescription, name: string): Operator | undefined {
  const trained = [`${name}.weight`, `${name}.bias`];
  switch (layer.type) {
    case "conv2d": {
      const { kernel, stride, padding } = layer;
      const attributes = [
        integers("kernel_shape", [kernel, kernel]),
        integers("strides", [stride, stride]),
        integers("pads", [padding, padding, padding, padding]),
      ];
      return { name, type: "Conv", attributes, parameters: trained };
    }
    case "maxPool2d": {
      const { size, stride } = layer;
      const attributes = [integers("kernel_shape", [size, size]), integers("strides", [stride, stride])];
      return { name, type: "MaxPool", attributes, parameters: [] };
    }
    case "relu":
      return { name, type: "Relu", attributes: [], parameters: [] };
    case "flatten":
      return { name, type: "Flatten", attributes: [], parameters: [] };
    case "linear":
      // PyTorch's weights are [outputs, inputs], so Gemm turns them.
      return { name, type: "Gemm", attributes: [integer("transB", 1)], parameters: trained };
    case "dropout":
      return undefined;
  }
}

function integers(name: string, values: readonly number[]): Uint8Array {
  return bytesField(NODE.attribute, [
    bytesField(ATTRIBUTE.name, name),
    ...values.map((value) => varintField(ATTRIBUTE.ints, value)),
    varintField(ATTRIBUTE.type, ATTRIBUTE_INTS),
  ]);
}

function integer(name: string, value: number): Uint8Array {
  return bytesField(NODE.attribute, [
    bytesField(ATTRIBUTE.name, name),
    varintField(ATTRIBUTE.i, value),
    varintField(ATTRIBUTE.type, ATTRIBUTE_INT),
  ]);
}

function encodeTensor(name: string, { shape, data }: SafetensorsTensor): readonly Uint8Array[] {
  return [
    ...shape.map((dimension) => varintField(TENSOR.dims, dimension)),
    varintField(TENSOR.dataType, FLOAT),
    bytesField(TENSOR.name, name),
    bytesField(TENSOR.rawData, new Uint8Array((data as Float32Array).slice().buffer)),
  ];
}

/** A float tensor of any batch. */
function encodeValue(name: string, shape: readonly number[]): readonly Uint8Array[] {
  const dimensions = [
    bytesField(SHAPE.dimension, [bytesField(DIMENSION.parameter, "batch")]),
    ...shape.map((dimension) => bytesField(SHAPE.dimension, [varintField(DIMENSION.value, dimension)])),
  ];
  const tensor = [varintField(TENSOR_TYPE.elementType, FLOAT), bytesField(TENSOR_TYPE.shape, dimensions)];
  return [bytesField(VALUE.name, name), bytesField(VALUE.type, [bytesField(TYPE.tensor, tensor)])];
}
