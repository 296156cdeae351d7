/**
 * The provider's address, known to the provider, to the binding that writes it into stacks and to the
 * installer. The host name is our own and never resolves, so the address can never be confused with
 * someone's package on a public registry.
 */
export const PROVIDER_HOST = 'registry.citadel.internal';
export const PROVIDER_NAMESPACE = 'ops';
export const PROVIDER_TYPE = 'citadel';
/**
 * Version of the launcher, which is what Terraform keeps of a provider: all clones of an account share it in Terraform's
 * plugin cache under this number, whatever their own version is. Another launcher needs another number (a test sees to it).
 */
export const PROVIDER_VERSION = '0.2.0';
export const PROVIDER_SOURCE = `${PROVIDER_HOST}/${PROVIDER_NAMESPACE}/${PROVIDER_TYPE}`;

/** Where a stack's folder says which program and which project the launcher starts. */
export const START_FILE = 'terraform.d/citadel/start';

/** Terraform finds the executable by this name. */
export const PROVIDER_EXECUTABLE = `terraform-provider-${PROVIDER_TYPE}_v${PROVIDER_VERSION}`;

export const HOST_RESOURCE = `${PROVIDER_TYPE}_host`;
