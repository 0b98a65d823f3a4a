/* What of this package runs in a page as well: nothing here, and nothing that it imports, needs Node. */
export { checkRecords, datasetOfRecords } from "./dataset/binary-format.js";
export { CIFAR10_CLASSES, CIFAR10_TEST_FILE, CIFAR10_TRAIN_FILES, type DataFile } from "./dataset/cifar10-files.js";
export { normalisationOf } from "./dataset/normalisation.js";
export { SHAPES_CLASSES, type ShapesOptions, shapes } from "./dataset/shapes.js";
export { CifarError, type CifarErrorCode } from "./errors.js";
export type { Picture } from "./picture/picture.js";
export { toInput } from "./picture/resize.js";
export { type Recipe, recipeOf, recipes } from "./recipes.js";
export { networkFor } from "./training/settings.js";
