export {
  gatewayConfiguration,
  type GatewayConfiguration,
  type GatewayKey,
  type GatewayServer,
} from './configuration.js';
export { Gateway, type GatewayProps, type ModelServer } from './gateway.js';
