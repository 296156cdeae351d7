import type { Socket } from 'node:net';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import type { ServerIdentity } from '../certificate.js';
import type { Lifetime } from './lifetime.js';
import { providerDefinition, providerHandlers, type ProviderService } from './rpc.js';
import {
  brokerHandlers,
  brokerService,
  controllerHandlers,
  controllerService,
  healthHandlers,
  healthService,
  stdioHandlers,
  stdioService,
} from './services.js';

/** Mutual TLS with the client whose certificate Terraform handed over in the environment. */
export interface MutualTls {
  readonly identity: ServerIdentity;
  /** PEM, self-signed. */
  readonly clientCertificate: string;
}

/** As Terraform's own servers: states are large, and come in one message. */
const MAX_MESSAGE = 256 * 1024 * 1024;

/**
 * gRPC over connections that someone else accepted: the socket listens, and the handshake line is out, long
 * before this module is loaded.
 *
 * @param tls absent: plain connections, for the debug mode and for hosts with `TF_DISABLE_PLUGIN_TLS`
 * @returns takes over one accepted connection, of which nothing has been read
 */
export function createGrpcServer(
  service: ProviderService,
  lifetime: Lifetime,
  tls: MutualTls | undefined,
): (socket: Socket) => void {
  const server = new Server({
    'grpc.max_receive_message_length': MAX_MESSAGE,
    'grpc.max_send_message_length': MAX_MESSAGE,
    'grpc.enable_channelz': 0,
  });
  server.addService(
    providerDefinition(),
    providerHandlers(service, (_name, work) => lifetime.during(work)),
  );
  server.addService(brokerService, brokerHandlers);
  server.addService(stdioService, stdioHandlers);
  server.addService(healthService, healthHandlers);
  server.addService(
    controllerService,
    controllerHandlers(() => lifetime.shutdown()),
  );
  const injector = server.createConnectionInjector(credentials(tls));
  return (socket) => {
    lifetime.connected();
    socket.once('close', () => lifetime.disconnected());
    socket.on('error', () => undefined);
    injector.injectConnection(socket);
    socket.resume();
  };
}

function credentials(tls: MutualTls | undefined): ServerCredentials {
  if (tls === undefined) return ServerCredentials.createInsecure();
  const { certificatePem, keyPem } = tls.identity;
  return ServerCredentials.createSsl(
    Buffer.from(tls.clientCertificate),
    [{ cert_chain: Buffer.from(certificatePem), private_key: Buffer.from(keyPem) }],
    true,
  );
}
