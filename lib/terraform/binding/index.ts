export { bindHost } from './bind-host.js';
export * as cdk from './cdk.js';
export { choicesOf, type Choices } from './choices.js';
export type { HostBinding } from './host-binding.js';
export { CitadelHost, CitadelProvider } from './resources.js';
export { stackNames } from './stack-names.js';
