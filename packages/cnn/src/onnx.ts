import { CnnError } from "./errors.js";
import type { LayerDescription } from "./layers.js";
import { bytesField, join, varintField } from "./protobuf.js";
import { toPyTorch } from "./pytorch.js";
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
 * The network as an ONNX model, for prediction: input `input` [batch, channels, height, width], normalised, output `logits`
 * [batch, classes]. Dropout does nothing in a prediction and is left out.
 * @throws CnnError INVALID_ARGUMENT if the network does not end with one value a class
 */
export function toOnnx(model: Sequential): Uint8Array<ArrayBuffer> {
  const [height, width, channels] = model.input as readonly [number, number, number];
  const [classes, ...rest] = model.outputShape;
  if (classes === undefined || rest.length > 0) {
    throw new CnnError("INVALID_ARGUMENT", `onnx: the network ends with [${model.outputShape}], not with [classes]`);
  }
  const nodes: Uint8Array[] = [];
  let current = "input";
  for (const [index, layer] of model.layers.entries()) {
    const operator = operatorOf(layer);
    if (operator === undefined) continue;
    const last = model.layers.slice(index + 1).every((next) => next.type === "dropout");
    const output = last ? "logits" : `${index}.output`;
    const parameters = operator.parameters ? [`${index}.weight`, `${index}.bias`] : [];
    nodes.push(
      bytesField(GRAPH.node, [
        ...[current, ...parameters].map((name) => bytesField(NODE.input, name)),
        bytesField(NODE.output, output),
        bytesField(NODE.name, `${index}`),
        bytesField(NODE.opType, operator.type),
        ...operator.attributes,
      ]),
    );
    current = output;
  }
  const graph = [
    ...nodes,
    bytesField(GRAPH.name, "network"),
    ...[...toPyTorch(model)].map(([name, tensor]) => bytesField(GRAPH.initializer, encodeTensor(name, tensor))),
    bytesField(GRAPH.input, encodeValue("input", [channels, height, width])),
    bytesField(GRAPH.output, encodeValue("logits", [classes])),
  ];
  return join([
    varintField(MODEL.irVersion, IR_VERSION),
    bytesField(MODEL.producerName, "@cifar/cnn"),
    bytesField(MODEL.graph, graph),
    bytesField(MODEL.opsetImport, [bytesField(OPSET.domain, ""), varintField(OPSET.version, OPERATOR_SET)]),
  ]);
}

interface Operator {
  readonly type: string;
  readonly attributes: readonly Uint8Array[];
  readonly parameters: boolean;
}

/** Undefined for layers that do nothing in a prediction. */
function operatorOf(layer: LayerDescription): Operator | undefined {
  switch (layer.type) {
    case "conv2d": {
      const { kernel, stride, padding } = layer;
      const attributes = [
        integers("kernel_shape", [kernel, kernel]),
        integers("strides", [stride, stride]),
        integers("pads", [padding, padding, padding, padding]),
      ];
      return { type: "Conv", attributes, parameters: true };
    }
    case "maxPool2d": {
      const { size, stride } = layer;
      const attributes = [integers("kernel_shape", [size, size]), integers("strides", [stride, stride])];
      return { type: "MaxPool", attributes, parameters: false };
    }
    case "relu":
      return { type: "Relu", attributes: [], parameters: false };
    case "flatten":
      return { type: "Flatten", attributes: [], parameters: false };
    case "linear":
      // PyTorch's weights are [outputs, inputs], so Gemm turns them.
      return { type: "Gemm", attributes: [integer("transB", 1)], parameters: true };
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
    bytesField(TENSOR.rawData, new Uint8Array(Float32Array.from(data as Float32Array).buffer)),
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
