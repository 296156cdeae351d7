import { createRequire } from 'node:module';
import type * as LocalFileModule from '@cdktf/provider-local/lib/file/index.js';
import type * as LocalProviderModule from '@cdktf/provider-local/lib/provider/index.js';
import type * as NullProviderModule from '@cdktf/provider-null/lib/provider/index.js';
import type * as NullResourceModule from '@cdktf/provider-null/lib/resource/index.js';
// First: it says which library they are loaded with.
import '../cdk.js';

const require = createRequire(import.meta.url);

/** HashiCorp's own providers, by the bindings that are published for them. */
export const { File: LocalFile } = require('@cdktf/provider-local/lib/file') as typeof LocalFileModule;
export const { LocalProvider } = require('@cdktf/provider-local/lib/provider') as typeof LocalProviderModule;
export const { NullProvider } = require('@cdktf/provider-null/lib/provider') as typeof NullProviderModule;
export const { Resource: NullResource } =
  require('@cdktf/provider-null/lib/resource') as typeof NullResourceModule;
export type NullResource = NullResourceModule.Resource;
