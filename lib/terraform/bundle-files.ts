/** The files of the provider's bundle, for those who write it and for the program that is in it. */
export const MAIN_FILE = 'main.js';
/** Everything but the handshake, in a file of its own: the handshake does not wait for its text to be read. */
export const SERVER_FILE = 'server.js';

/** What V8 made of the server's text, for one version of node on one kind of machine. */
export function codeCacheFile(version: string, arch: string): string {
  return `server-${version}-${arch}.cache`;
}

/** Makes the program write that file instead of serving. */
export const WRITE_CODE_CACHE = '--write-code-cache';
