export { bindHost, type HostBinding } from './bind-host.js';
export { CitadelHost, CitadelProvider } from './resources.js';
