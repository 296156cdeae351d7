export { LATER, refusal } from './answers.js';
export {
  bodyRules,
  cleanHeaders,
  keyRules,
  metricsFrontend,
  modelFrontend,
  proxyPreamble,
} from './configuration.js';
export { PROXY_HARDENING } from './hardening.js';
export { maxRequests, proxyKeyName, proxyKeys } from './schema.js';
export { addProxyService } from './service.js';
