export { RenderError } from './error.js';
export {
  renderUnitFile,
  type UnitFile,
  type UnitSection,
  type UnitValue,
  type UnitValues,
} from './unit-file.js';
export {
  environment,
  exec,
  specifier,
  unitText,
  variable,
  words,
  UnitReference,
  UnitText,
  type ExecArgument,
  type ExecOptions,
} from './unit-text.js';
