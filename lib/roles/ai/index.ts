export { AiNode, type AiNodeProps } from './ai-node.js';
export { type EngineFlags, type ExtraArgument } from './engine-flags.js';
export { RETIRED_METRICS } from './engine-flag-rules.js';
export { NvidiaDriver, type NvidiaDriverProps } from './driver/nvidia-driver.js';
export { GpuSettings, type GpuSettingsProps } from './gpu-settings.js';
export { expectedMetrics, type Expected } from './expected-metrics.js';
export { GPU_HARDENING, LOOPBACK_ONLY } from './hardening.js';
export { LanSide, type LanSettings, type LanSideProps } from './lan/index.js';
export { loadTime } from './load-time.js';
export { ModelService, type ModelServiceProps } from './model-service.js';
export { ModelServices, type ModelProps, type ModelServicesProps } from './model-services.js';
export type { NodeEndpoints } from './node-facts.js';
export { NodeWatch, type NodeWatchProps } from './node-watch.js';
export { PythonEnvironment, type PythonEnvironmentProps } from './python-environment.js';
export { requirementProblems } from './requirements.js';
export { StorageCheck, type StorageCheckProps } from './storage-check.js';
export {
  nodeSettings,
  type NodeSettings,
  type SettingsBackup,
  type SettingsModel,
  type SettingsPaths,
} from './node-settings.js';
export * from './backup/index.js';
export * from './operations/index.js';
export * from './storage/index.js';
