import { TerraformProvider, TerraformResource } from './cdk.js';
import type { Construct } from 'constructs';
import { HOST_RESOURCE, PROVIDER_SOURCE, PROVIDER_TYPE, PROVIDER_VERSION } from '../address.js';

const GENERATOR = {
  providerName: PROVIDER_TYPE,
  providerVersion: PROVIDER_VERSION,
  providerVersionConstraint: PROVIDER_VERSION,
} as const;

/** The provider's block: how one host is reached. */
export class CitadelProvider extends TerraformProvider {
  private aliasName: string | undefined;

  /** @param attributes as Terraform's JSON has them (see `attributes.ts`); asked for at synthesis */
  constructor(
    scope: Construct,
    id: string,
    private readonly attributes: () => Readonly<Record<string, unknown>>,
    alias?: string,
  ) {
    super(scope, id, {
      terraformResourceType: PROVIDER_TYPE,
      terraformGeneratorMetadata: GENERATOR,
      terraformProviderSource: PROVIDER_SOURCE,
    });
    this.aliasName = alias;
  }

  override get alias(): string | undefined {
    return this.aliasName;
  }
  override set alias(name: string | undefined) {
    this.aliasName = name;
  }

  protected override synthesizeAttributes(): Record<string, unknown> {
    return { ...this.attributes(), ...(this.aliasName === undefined ? {} : { alias: this.aliasName }) };
  }
}

export interface CitadelHostConfig {
  readonly name: string;
  /** The document as JSON; asked for at synthesis, when everything has been declared. */
  readonly document: () => string;
  readonly provider: TerraformProvider;
}

/** One host as one Terraform resource. */
export class CitadelHost extends TerraformResource {
  constructor(
    scope: Construct,
    id: string,
    private readonly config: CitadelHostConfig,
  ) {
    super(scope, id, {
      terraformResourceType: HOST_RESOURCE,
      terraformGeneratorMetadata: GENERATOR,
      provider: config.provider,
    });
  }

  /** Digest of the manifest, for other resources and outputs. */
  get digest(): string {
    return this.getStringAttribute('digest');
  }

  /** Number of the host's current generation. */
  get generation(): number {
    return this.getNumberAttribute('generation');
  }

  protected override synthesizeAttributes(): Record<string, unknown> {
    return { name: this.config.name, document: this.config.document() };
  }
}
