export { RenderError } from './error.js';
export { renderJson, renderYaml, type DataValue, type YamlOptions } from './data.js';
export { renderFstabLine, type FstabEntry } from './fstab.js';
export { beginMarker, endMarker, renderBlock } from './marker.js';
export { iniValue, pythonLiteral, shellWord, tomlValue } from './quote.js';
export { renderTemplate, TemplateText, type Template } from './template.js';
export { loadTemplate } from './templates.js';
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
