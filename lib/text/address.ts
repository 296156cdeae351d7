/** An address as it stands before a port: an IPv6 address in brackets, everything else as it is. */
export function urlHost(address: string): string {
  return address.includes(':') && !address.startsWith('[') ? `[${address}]` : address;
}

/** `192.168.10.35:9100`, `ai-node:9100`, `[fd00::35]:9100`: what URLs, Prometheus and systemd read. */
export function hostPort(address: string, port: number): string {
  return `${urlHost(address)}:${port}`;
}
