import type { BaseAgent, Client, createAgent, utils } from 'ssh2';

/** The part of `ssh2` that we use. */
export interface Ssh2 {
  readonly Client: typeof Client;
  readonly utils: typeof utils;
  readonly BaseAgent: typeof BaseAgent;
  readonly createAgent: typeof createAgent;
}

let loading: Promise<Ssh2> | undefined;

/** `ssh2`, loaded when a connection is first wanted: it takes longer to load than most programs of ours to run. */
export function loadSsh2(): Promise<Ssh2> {
  loading ??= import('ssh2').then((module): Ssh2 => module.default);
  return loading;
}
