import type { Shell } from './shell.js';

/** Says what Ctrl-C does and does not do, at the moment when someone presses it. */
export function sayHowToLeave(shell: Shell, hosts: readonly string[]): { stop(): void } {
  const say = (): void => {
    const names = hosts.join(' ');
    shell.err.write(
      `\nAsked to stop. A host where nothing was touched yet stops; any other finishes or undoes by itself, with or ` +
        `without this terminal.\nWaiting for the answer; Ctrl-C again leaves at once. To look later: ` +
        `citadel-iac history ${names}; citadel-iac doctor ${names}\n`,
    );
  };
  shell.signal.addEventListener('abort', say, { once: true });
  return { stop: () => shell.signal.removeEventListener('abort', say) };
}
