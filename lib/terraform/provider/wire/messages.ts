import { choice, field, mapOf, message, repeated, type Message } from './codec.js';

/** The tables of `tfplugin6.proto` and the shapes of their values; message and field names are the protocol's. */

export interface DynamicValue {
  readonly msgpack: Uint8Array;
  readonly json: Uint8Array;
}
export const DynamicValue = message<DynamicValue>('DynamicValue', {
  msgpack: field(1, 'bytes'),
  json: field(2, 'bytes'),
});

export interface AttributePathStep {
  readonly attribute_name?: string | undefined;
  readonly element_key_string?: string | undefined;
  readonly element_key_int?: number | undefined;
}
export const AttributePathStep = message<AttributePathStep>('AttributePath.Step', {
  attribute_name: choice(1, 'string'),
  element_key_string: choice(2, 'string'),
  element_key_int: choice(3, 'int'),
});

export interface AttributePath {
  readonly steps: readonly AttributePathStep[];
}
export const AttributePath = message<AttributePath>('AttributePath', {
  steps: repeated(1, () => AttributePathStep),
});

export const SEVERITY = { error: 1, warning: 2 } as const;

export interface Diagnostic {
  readonly severity: number;
  readonly summary: string;
  readonly detail: string;
  readonly attribute?: AttributePath | undefined;
}
export const Diagnostic: Message<Diagnostic> = message<Diagnostic>('Diagnostic', {
  severity: field(1, 'int'),
  summary: field(2, 'string'),
  detail: field(3, 'string'),
  attribute: field(4, () => AttributePath),
});

export interface RawState {
  readonly json: Uint8Array;
}
export const RawState = message<RawState>('RawState', { json: field(1, 'bytes') });

export const NESTING = { single: 1, list: 2, set: 3, map: 4 } as const;

export interface SchemaObject {
  readonly attributes: readonly Partial<SchemaAttribute>[];
  readonly nesting: number;
}
export interface SchemaAttribute {
  readonly name: string;
  readonly type: Uint8Array;
  readonly description: string;
  readonly required: boolean;
  readonly optional: boolean;
  readonly computed: boolean;
  readonly sensitive: boolean;
  readonly nested_type?: SchemaObject | undefined;
}
export const SchemaObject: Message<SchemaObject> = message<SchemaObject>('Schema.Object', {
  attributes: repeated(1, () => SchemaAttribute),
  nesting: field(3, 'int'),
});
export const SchemaAttribute: Message<SchemaAttribute> = message<SchemaAttribute>('Schema.Attribute', {
  name: field(1, 'string'),
  type: field(2, 'bytes'),
  description: field(3, 'string'),
  required: field(4, 'bool'),
  optional: field(5, 'bool'),
  computed: field(6, 'bool'),
  sensitive: field(7, 'bool'),
  nested_type: field(10, () => SchemaObject),
});

export interface SchemaBlock {
  readonly version: number;
  readonly attributes: readonly Partial<SchemaAttribute>[];
  readonly description: string;
}
export const SchemaBlock = message<SchemaBlock>('Schema.Block', {
  version: field(1, 'int'),
  attributes: repeated(2, () => SchemaAttribute),
  description: field(4, 'string'),
});

export interface Schema {
  readonly version: number;
  readonly block?: Partial<SchemaBlock> | undefined;
}
export const Schema = message<Schema>('Schema', {
  version: field(1, 'int'),
  block: field(2, () => SchemaBlock),
});

export interface ServerCapabilities {
  readonly plan_destroy: boolean;
  readonly get_provider_schema_optional: boolean;
}
export const ServerCapabilities = message<ServerCapabilities>('ServerCapabilities', {
  plan_destroy: field(1, 'bool'),
  get_provider_schema_optional: field(2, 'bool'),
});

interface Diagnosed {
  readonly diagnostics: readonly Diagnostic[];
}
const diagnostics = (number: number) => repeated(number, () => Diagnostic);
const dynamic = (number: number) => field(number, () => DynamicValue);

export type Empty = Readonly<Record<string, never>>;
export const Empty = message<Empty>('Empty', {});

export interface ResourceMetadata {
  readonly type_name: string;
}
export const ResourceMetadata = message<ResourceMetadata>('GetMetadata.ResourceMetadata', {
  type_name: field(1, 'string'),
});
export interface GetMetadataResponse extends Diagnosed {
  readonly server_capabilities?: ServerCapabilities | undefined;
  readonly resources: readonly ResourceMetadata[];
}
export const GetMetadataResponse = message<GetMetadataResponse>('GetMetadata.Response', {
  server_capabilities: field(1, () => ServerCapabilities),
  diagnostics: diagnostics(2),
  resources: repeated(4, () => ResourceMetadata),
});

export interface GetProviderSchemaResponse extends Diagnosed {
  readonly provider?: Schema | undefined;
  readonly resource_schemas: Readonly<Record<string, Schema>>;
  readonly server_capabilities?: ServerCapabilities | undefined;
}
export const GetProviderSchemaResponse = message<GetProviderSchemaResponse>('GetProviderSchema.Response', {
  provider: field(1, () => Schema),
  resource_schemas: mapOf(2, () => Schema),
  diagnostics: diagnostics(4),
  server_capabilities: field(6, () => ServerCapabilities),
});

export interface ValidateProviderConfigRequest {
  readonly config?: DynamicValue | undefined;
}
export const ValidateProviderConfigRequest = message<ValidateProviderConfigRequest>(
  'ValidateProviderConfig.Request',
  { config: dynamic(1) },
);
export type ValidateProviderConfigResponse = Diagnosed;
export const ValidateProviderConfigResponse = message<Diagnosed>('ValidateProviderConfig.Response', {
  diagnostics: diagnostics(2),
});

export interface ValidateResourceConfigRequest {
  readonly type_name: string;
  readonly config?: DynamicValue | undefined;
}
export const ValidateResourceConfigRequest = message<ValidateResourceConfigRequest>(
  'ValidateResourceConfig.Request',
  { type_name: field(1, 'string'), config: dynamic(2) },
);
export type ValidateResourceConfigResponse = Diagnosed;
export const ValidateResourceConfigResponse = message<Diagnosed>('ValidateResourceConfig.Response', {
  diagnostics: diagnostics(1),
});

export interface UpgradeResourceStateRequest {
  readonly type_name: string;
  readonly version: number;
  readonly raw_state?: RawState | undefined;
}
export const UpgradeResourceStateRequest = message<UpgradeResourceStateRequest>(
  'UpgradeResourceState.Request',
  {
    type_name: field(1, 'string'),
    version: field(2, 'int'),
    raw_state: field(3, () => RawState),
  },
);
export interface UpgradeResourceStateResponse extends Diagnosed {
  readonly upgraded_state?: DynamicValue | undefined;
}
export const UpgradeResourceStateResponse = message<UpgradeResourceStateResponse>(
  'UpgradeResourceState.Response',
  { upgraded_state: dynamic(1), diagnostics: diagnostics(2) },
);

export interface ConfigureProviderRequest {
  readonly terraform_version: string;
  readonly config?: DynamicValue | undefined;
}
export const ConfigureProviderRequest = message<ConfigureProviderRequest>('ConfigureProvider.Request', {
  terraform_version: field(1, 'string'),
  config: dynamic(2),
});
export type ConfigureProviderResponse = Diagnosed;
export const ConfigureProviderResponse = message<Diagnosed>('ConfigureProvider.Response', {
  diagnostics: diagnostics(1),
});

export interface ReadResourceRequest {
  readonly type_name: string;
  readonly current_state?: DynamicValue | undefined;
  readonly private: Uint8Array;
}
export const ReadResourceRequest = message<ReadResourceRequest>('ReadResource.Request', {
  type_name: field(1, 'string'),
  current_state: dynamic(2),
  private: field(3, 'bytes'),
});
export interface ReadResourceResponse extends Diagnosed {
  readonly new_state?: DynamicValue | undefined;
  readonly private: Uint8Array;
}
export const ReadResourceResponse = message<ReadResourceResponse>('ReadResource.Response', {
  new_state: dynamic(1),
  diagnostics: diagnostics(2),
  private: field(3, 'bytes'),
});

export interface PlanResourceChangeRequest {
  readonly type_name: string;
  readonly prior_state?: DynamicValue | undefined;
  readonly proposed_new_state?: DynamicValue | undefined;
  readonly config?: DynamicValue | undefined;
  readonly prior_private: Uint8Array;
}
export const PlanResourceChangeRequest = message<PlanResourceChangeRequest>('PlanResourceChange.Request', {
  type_name: field(1, 'string'),
  prior_state: dynamic(2),
  proposed_new_state: dynamic(3),
  config: dynamic(4),
  prior_private: field(5, 'bytes'),
});
export interface PlanResourceChangeResponse extends Diagnosed {
  readonly planned_state?: DynamicValue | undefined;
  readonly requires_replace: readonly AttributePath[];
  readonly planned_private: Uint8Array;
}
export const PlanResourceChangeResponse = message<PlanResourceChangeResponse>('PlanResourceChange.Response', {
  planned_state: dynamic(1),
  requires_replace: repeated(2, () => AttributePath),
  planned_private: field(3, 'bytes'),
  diagnostics: diagnostics(4),
});

export interface ApplyResourceChangeRequest {
  readonly type_name: string;
  readonly prior_state?: DynamicValue | undefined;
  readonly planned_state?: DynamicValue | undefined;
  readonly config?: DynamicValue | undefined;
  readonly planned_private: Uint8Array;
}
export const ApplyResourceChangeRequest = message<ApplyResourceChangeRequest>('ApplyResourceChange.Request', {
  type_name: field(1, 'string'),
  prior_state: dynamic(2),
  planned_state: dynamic(3),
  config: dynamic(4),
  planned_private: field(5, 'bytes'),
});
export interface ApplyResourceChangeResponse extends Diagnosed {
  readonly new_state?: DynamicValue | undefined;
  readonly private: Uint8Array;
}
export const ApplyResourceChangeResponse = message<ApplyResourceChangeResponse>(
  'ApplyResourceChange.Response',
  {
    new_state: dynamic(1),
    private: field(2, 'bytes'),
    diagnostics: diagnostics(3),
  },
);

export interface ImportResourceStateRequest {
  readonly type_name: string;
  readonly id: string;
}
export const ImportResourceStateRequest = message<ImportResourceStateRequest>('ImportResourceState.Request', {
  type_name: field(1, 'string'),
  id: field(2, 'string'),
});
export interface ImportedResource {
  readonly type_name: string;
  readonly state?: DynamicValue | undefined;
  readonly private: Uint8Array;
}
export const ImportedResource = message<ImportedResource>('ImportResourceState.ImportedResource', {
  type_name: field(1, 'string'),
  state: dynamic(2),
  private: field(3, 'bytes'),
});
export interface ImportResourceStateResponse extends Diagnosed {
  readonly imported_resources: readonly ImportedResource[];
}
export const ImportResourceStateResponse = message<ImportResourceStateResponse>(
  'ImportResourceState.Response',
  {
    imported_resources: repeated(1, () => ImportedResource),
    diagnostics: diagnostics(2),
  },
);

export interface StopProviderResponse {
  readonly Error: string;
}
export const StopProviderResponse = message<StopProviderResponse>('StopProvider.Response', {
  Error: field(1, 'string'),
});
