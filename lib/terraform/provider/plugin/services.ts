import type { sendUnaryData, ServerDuplexStream, ServerUnaryCall, ServerWritableStream } from '@grpc/grpc-js';
import { decode, encode, field, message } from '../wire/codec.js';
import { Empty } from '../wire/messages.js';

/**
 * The services of every plugin next to its own. Without them plans still work, but the client waits two seconds
 * for each process: `Shutdown` is what ends one at once.
 */
interface HealthCheckResponse {
  readonly status: number;
}
const HealthCheckResponse = message<HealthCheckResponse>('grpc.health.v1.HealthCheckResponse', {
  status: field(1, 'int'),
});
const SERVING = 1;

const empty = {
  serialize: (value: Empty) => encode(Empty, value),
  deserialize: (bytes: Buffer) => decode(Empty, bytes),
};

/** Messages that are passed on unread. */
const raw = { serialize: (value: Buffer) => value, deserialize: (bytes: Buffer) => bytes };

export const brokerService = {
  StartStream: {
    path: '/plugin.GRPCBroker/StartStream',
    requestStream: true,
    responseStream: true,
    requestSerialize: raw.serialize,
    requestDeserialize: raw.deserialize,
    responseSerialize: raw.serialize,
    responseDeserialize: raw.deserialize,
  },
} as const;

export const stdioService = {
  StreamStdio: {
    path: '/plugin.GRPCStdio/StreamStdio',
    requestStream: false,
    responseStream: true,
    requestSerialize: empty.serialize,
    requestDeserialize: empty.deserialize,
    responseSerialize: raw.serialize,
    responseDeserialize: raw.deserialize,
  },
} as const;

export const controllerService = {
  Shutdown: {
    path: '/plugin.GRPCController/Shutdown',
    requestStream: false,
    responseStream: false,
    requestSerialize: empty.serialize,
    requestDeserialize: empty.deserialize,
    responseSerialize: empty.serialize,
    responseDeserialize: empty.deserialize,
  },
} as const;

export const healthService = {
  Check: {
    path: '/grpc.health.v1.Health/Check',
    requestStream: false,
    responseStream: false,
    requestSerialize: raw.serialize,
    requestDeserialize: raw.deserialize,
    responseSerialize: (value: HealthCheckResponse) => encode(HealthCheckResponse, value),
    responseDeserialize: (bytes: Buffer) => decode(HealthCheckResponse, bytes),
  },
} as const;

export const brokerHandlers = {
  /** Opened at connect and held until the client ends it; no sub-connection is ever offered. */
  StartStream(stream: ServerDuplexStream<Buffer, Buffer>): void {
    stream.on('data', () => undefined);
    stream.on('end', () => stream.end());
    stream.on('error', () => undefined);
  },
};

export const stdioHandlers = {
  /** Held open and silent: the log goes to standard error itself, which Terraform reads anyway. */
  StreamStdio(stream: ServerWritableStream<Empty, Buffer>): void {
    stream.on('cancelled', () => stream.end());
    stream.on('error', () => undefined);
  },
};

export const healthHandlers = {
  Check(
    _call: ServerUnaryCall<Buffer, HealthCheckResponse>,
    reply: sendUnaryData<HealthCheckResponse>,
  ): void {
    reply(null, { status: SERVING });
  },
};

export function controllerHandlers(shutdown: () => void) {
  return {
    Shutdown(_call: ServerUnaryCall<Empty, Empty>, reply: sendUnaryData<Empty>): void {
      reply(null, {});
      // The reply still has to leave the process; the client waits two seconds before it kills.
      setTimeout(shutdown, 20);
    },
  };
}
