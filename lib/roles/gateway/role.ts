import { ROLE_API_VERSION, type Role } from '../../site/index.js';
import { buildGateway } from './build.js';
import { contribute } from './contribute.js';
import './keys.js';
import { checkGateway } from './rules.js';
import { gatewaySchema } from './schema.js';

/** Gateways: one address and one key for models that several AI nodes serve. */
export const gateway: Role = {
  name: 'gateway',
  apiVersion: ROLE_API_VERSION,
  schema: {
    host: { gateway: gatewaySchema.optional().describe('Makes the host a gateway to models of AI nodes') },
  },
  serves: ['gateway'],
  rules: checkGateway,
  contribute,
  consumes: ({ hosts }) =>
    Object.values(hosts).some((host) => host.gateway !== undefined) ? ['scraper', 'model-server'] : [],
  build: buildGateway,
};
