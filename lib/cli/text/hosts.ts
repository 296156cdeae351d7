/** Up to so many names are written out. */
const FEW = 12;

/** Names of hosts in a sentence: all of a few, and of many the first, the last and how many there are. */
export function hostsText(hosts: readonly string[]): string {
  if (hosts.length <= FEW) return hosts.join(', ');
  return `${hosts.slice(0, 3).join(', ')} … ${hosts.at(-1) ?? ''} (${String(hosts.length)} hosts)`;
}
