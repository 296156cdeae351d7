import { createRequire } from 'node:module';
import type * as Cdktf from 'cdktf';
import { CitadelError } from '../../manifest/problem.js';
import { choicesOf } from './choices.js';

/*
 * The one place that says which library synthesises: cdktf, or CDK Terrain (`cdktn`), its maintained continuation, which
 * has the same classes. Everything of this project that needs them takes them from here; types are cdktf's.
 */
const require = createRequire(import.meta.url);
const cdk = chosenLibrary();

if (cdk !== 'cdktf') {
  // Prebuilt provider bindings (`@cdktf/provider-*`) ask for "cdktf" by name, and their classes must be those that the
  // stack is made of. Node lets the entry of a module be replaced; from here on that name means the other library.
  const chosen = require.resolve(cdk);
  require(chosen);
  require.cache[require.resolve('cdktf')] = require.cache[chosen];
}

export const {
  App,
  Aspects,
  HttpBackend,
  Lazy,
  LocalBackend,
  PgBackend,
  S3Backend,
  TerraformBackend,
  TerraformOutput,
  TerraformProvider,
  TerraformResource,
  TerraformStack,
} = require('cdktf') as typeof Cdktf;

// The names again, as types.
export type App = Cdktf.App;
export type TerraformOutput = Cdktf.TerraformOutput;
export type TerraformProvider = Cdktf.TerraformProvider;
export type TerraformResource = Cdktf.TerraformResource;
export type TerraformStack = Cdktf.TerraformStack;

/** A wrong choice shows when this file is imported, where no caller can catch it: the program ends here. */
function chosenLibrary(): string {
  try {
    return choicesOf(process.env).cdk;
  } catch (error) {
    if (!(error instanceof CitadelError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
}
