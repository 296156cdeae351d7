export { type EngineFlags, type ExtraArgument } from './engine-flags.js';
export { RETIRED_METRICS } from './engine-flag-rules.js';
export { GPU_HARDENING, LOOPBACK_ONLY } from './hardening.js';
export { LanProxy, type LanProxyProps } from './lan-proxy.js';
export { loadTime } from './load-time.js';
export { ModelService, type ModelServiceProps } from './model-service.js';
export { ModelServices, type ModelProps, type ModelServicesProps } from './model-services.js';
