import { Construct, RootConstruct } from 'constructs';
import { CitadelError, formatProblem, type HostManifest } from '../../../lib/manifest/index.js';
import { Host, type HostProps } from '../../../lib/constructs/index.js';

/** One host below a scope called `ai-node`, with whatever `build` declares on it. */
export function hostWith(build: (host: Host) => void, props: HostProps = {}): Host {
  const host = new Host(new Construct(new RootConstruct(), 'ai-node'), 'host', { name: 'ai-node', ...props });
  build(host);
  return host;
}

export function manifestOf(build: (host: Host) => void, props: HostProps = {}): HostManifest {
  return hostWith(build, props).manifest();
}

/** Texts of all problems that `run` throws; empty when it throws none. */
export function problemTexts(run: () => unknown): string[] {
  try {
    run();
    return [];
  } catch (error) {
    if (error instanceof CitadelError) return error.problems.map(formatProblem);
    throw error;
  }
}

export function problemsOf(build: (host: Host) => void, props: HostProps = {}): string[] {
  return problemTexts(() => hostWith(build, props).manifest());
}
