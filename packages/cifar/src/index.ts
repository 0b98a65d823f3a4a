export { loadBinaryFolder, writeBinaryFolder } from "./dataset/binary-folder.js";
export { type DataSplits, type LoadOptions, loadCifar10 } from "./dataset/cifar10.js";
export { CIFAR10_CLASSES, CIFAR10_NORMALISATION, type DataFile } from "./dataset/cifar10-files.js";
export type { DownloadProgress } from "./dataset/download.js";
export { type FetchOptions, fetchCifar10 } from "./dataset/fetch.js";
export { cacheFolder } from "./dataset/locate.js";
export { normalisationOf } from "./dataset/normalisation.js";
export { loadPictureFolder } from "./dataset/picture-folder.js";
export { SHAPES_CLASSES, type ShapesOptions, shapes, shapesSplits } from "./dataset/shapes.js";
export { CifarError, type CifarErrorCode } from "./errors.js";
export {
  type CheckedPicture,
  type Cost,
  checkPicture,
  type DecodeOptions,
  decodeChecked,
  decodePicture,
  type Picture,
  type PictureType,
  sniffPicture,
  toInput,
} from "./picture/index.js";
export { pretrained } from "./pretrained.js";
export { type Recipe, type RecipeChanges, recipeOf, recipes } from "./recipes.js";
export { networkFor, type RunSettings, splitTraining } from "./training/settings.js";
