export { renderCronFile, type CronFileContent, type CronJob } from './cron.js';
export { cronSchedule, cronTimes, type CronTimes } from './cron-schedule.js';
export { RenderError } from './error.js';
export { renderJson, renderYaml, type DataValue, type YamlOptions } from './data.js';
export { renderFstabLine, type FstabEntry } from './fstab.js';
export { renderLogrotate, type LogrotateEntry, type LogrotateScript } from './logrotate.js';
export { mergeNetworks, parseNetwork, type IpNetwork } from './ip-network.js';
export { beginMarker, endMarker, renderBlock } from './marker.js';
export { renderNftables, type Firewall, type FirewallRule, type FirewallSources } from './nftables.js';
export { readNftablesPorts, type FirewallPort } from './nftables-ports.js';
export { PythonFloat, renderPythonSettings, type PythonValue } from './python.js';
export { iniValue, pythonLiteral, shellWord, tomlValue } from './quote.js';
export { renderTemplate, TemplateText, type Template } from './template.js';
export { allTemplates, listTemplates, loadTemplate, TEMPLATES, withTemplates } from './templates.js';
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
