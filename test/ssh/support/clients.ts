/** Both implementations of `SshConnection`, for tests of the contract. */
export interface Client {
  readonly name: string;
  readonly client: 'system' | undefined;
}
export const CLIENTS: readonly Client[] = [
  { name: 'built-in', client: undefined },
  { name: 'system', client: 'system' },
];
