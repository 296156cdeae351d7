import {
  type sendUnaryData,
  type ServerUnaryCall,
  type ServiceDefinition,
  status,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { decode, encode, type Message } from '../wire/codec.js';
import * as wire from '../wire/messages.js';
import { errorMessage } from '../../../text/error-message.js';

/** The provider's side of the protocol: methods and messages are named as the RPCs are. */
export interface ProviderService {
  GetMetadata(request: wire.Empty): Promise<wire.GetMetadataResponse>;
  GetProviderSchema(request: wire.Empty): Promise<wire.GetProviderSchemaResponse>;
  ValidateProviderConfig(
    request: wire.ValidateProviderConfigRequest,
  ): Promise<wire.ValidateProviderConfigResponse>;
  ValidateResourceConfig(
    request: wire.ValidateResourceConfigRequest,
  ): Promise<wire.ValidateResourceConfigResponse>;
  UpgradeResourceState(request: wire.UpgradeResourceStateRequest): Promise<wire.UpgradeResourceStateResponse>;
  ConfigureProvider(request: wire.ConfigureProviderRequest): Promise<wire.ConfigureProviderResponse>;
  ReadResource(request: wire.ReadResourceRequest): Promise<wire.ReadResourceResponse>;
  PlanResourceChange(request: wire.PlanResourceChangeRequest): Promise<wire.PlanResourceChangeResponse>;
  ApplyResourceChange(request: wire.ApplyResourceChangeRequest): Promise<wire.ApplyResourceChangeResponse>;
  ImportResourceState(request: wire.ImportResourceStateRequest): Promise<wire.ImportResourceStateResponse>;
  StopProvider(request: wire.Empty): Promise<wire.StopProviderResponse>;
}

interface Method {
  readonly request: Message<never>;
  readonly response: Message<never>;
}

/** Every RPC that is served, with its messages. */
export const METHODS: { readonly [K in keyof ProviderService]: Method } = {
  GetMetadata: { request: wire.Empty, response: wire.GetMetadataResponse },
  GetProviderSchema: { request: wire.Empty, response: wire.GetProviderSchemaResponse },
  ValidateProviderConfig: {
    request: wire.ValidateProviderConfigRequest,
    response: wire.ValidateProviderConfigResponse,
  },
  ValidateResourceConfig: {
    request: wire.ValidateResourceConfigRequest,
    response: wire.ValidateResourceConfigResponse,
  },
  UpgradeResourceState: {
    request: wire.UpgradeResourceStateRequest,
    response: wire.UpgradeResourceStateResponse,
  },
  ConfigureProvider: { request: wire.ConfigureProviderRequest, response: wire.ConfigureProviderResponse },
  ReadResource: { request: wire.ReadResourceRequest, response: wire.ReadResourceResponse },
  PlanResourceChange: { request: wire.PlanResourceChangeRequest, response: wire.PlanResourceChangeResponse },
  ApplyResourceChange: {
    request: wire.ApplyResourceChangeRequest,
    response: wire.ApplyResourceChangeResponse,
  },
  ImportResourceState: {
    request: wire.ImportResourceStateRequest,
    response: wire.ImportResourceStateResponse,
  },
  StopProvider: { request: wire.Empty, response: wire.StopProviderResponse },
};

export const PROVIDER_SERVICE = 'tfplugin6.Provider';

export function providerDefinition(): ServiceDefinition {
  return Object.fromEntries(
    Object.entries(METHODS).map(([name, method]: [string, Method]) => [
      name,
      {
        path: `/${PROVIDER_SERVICE}/${name}`,
        requestStream: false,
        responseStream: false,
        requestSerialize: (value: object) => encode(method.request, value as never),
        requestDeserialize: (bytes: Buffer): unknown => decode(method.request, bytes),
        responseSerialize: (value: object) => encode(method.response, value as never),
        responseDeserialize: (bytes: Buffer): unknown => decode(method.response, bytes),
      },
    ]),
  );
}

/**
 * @param service what answers; an error that it throws is an error of the RPC itself (a defect of the provider:
 *   what a user can fix comes back as diagnostics)
 * @param around wraps every call, for example to keep the process alive during it
 */
export function providerHandlers(
  service: ProviderService,
  around: <T>(name: string, work: () => Promise<T>) => Promise<T>,
): UntypedServiceImplementation {
  const handler =
    (name: keyof ProviderService) =>
    (call: ServerUnaryCall<unknown, unknown>, reply: sendUnaryData<unknown>) => {
      const answer = service[name].bind(service) as (request: unknown) => Promise<unknown>;
      around(name, () => answer(call.request)).then(
        (response) => reply(null, response),
        (error: unknown) => reply({ code: status.INTERNAL, details: errorMessage(error) }),
      );
    };
  return Object.fromEntries(
    Object.keys(METHODS).map((name) => [name, handler(name as keyof ProviderService)]),
  );
}
