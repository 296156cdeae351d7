import { Lazy, TerraformProvider, TerraformResource } from './cdk.js';
import type { Construct } from 'constructs';
import { HOST_RESOURCE, PROVIDER_SOURCE, PROVIDER_TYPE, PROVIDER_VERSION } from '../address.js';

const GENERATOR = {
  providerName: PROVIDER_TYPE,
  providerVersion: PROVIDER_VERSION,
  providerVersionConstraint: PROVIDER_VERSION,
} as const;

/** The provider's block of a stack: how its hosts are reached, and where their documents are. */
export class CitadelProvider extends TerraformProvider {
  private readonly hosts = new Map<string, () => Readonly<Record<string, unknown>>>();

  constructor(scope: Construct, id: string) {
    super(scope, id, {
      terraformResourceType: PROVIDER_TYPE,
      terraformGeneratorMetadata: GENERATOR,
      terraformProviderSource: PROVIDER_SOURCE,
    });
  }

  /** @param attributes as Terraform's JSON has them (see `attributes.ts`); asked for at synthesis */
  addHost(name: string, attributes: () => Readonly<Record<string, unknown>>): void {
    this.hosts.set(name, attributes);
  }

  protected override synthesizeAttributes(): Record<string, unknown> {
    const hosts = () => Object.fromEntries([...this.hosts].map(([name, attributes]) => [name, attributes()]));
    // Of a plain object cdktf would write the keys in snake case, and so other names of hosts and secrets.
    return { hosts: Lazy.anyValue({ produce: hosts }) };
  }
}

export interface CitadelHostConfig {
  readonly name: string;
  /** sha256 of the manifest; asked for at synthesis, when everything has been declared. */
  readonly digest: () => string;
  readonly provider: TerraformProvider;
  /** True: Terraform refuses to destroy or replace it. */
  readonly protect: boolean;
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
      ...(config.protect ? { lifecycle: { preventDestroy: true } } : {}),
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
    return { name: this.config.name, digest: this.config.digest() };
  }
}
