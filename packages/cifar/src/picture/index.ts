/* What programs and threads that only decode pictures need of this package: nothing here loads networks or data sets. */
export { CifarError, type CifarErrorCode } from "../errors.js";
export {
  type CheckedPicture,
  checkPicture,
  type DecodeOptions,
  decodeChecked,
  decodePicture,
  type PictureType,
  sniffPicture,
} from "./decode.js";
export type { Cost } from "./limits.js";
export type { Picture } from "./picture.js";
export { toInput } from "./resize.js";
