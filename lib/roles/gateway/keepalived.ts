/** What keepalived is told of the address that gateways share. */
export interface KeepalivedConfiguration {
  readonly address: string;
  readonly interface: string;
  /** VRRP's number of the group, 1 to 255. */
  readonly router: number;
  /** This host's own address; the others' addresses. */
  readonly own: string;
  readonly others: readonly string[];
  /** URL that answers 200 while this gateway can serve. */
  readonly ready: string;
}

/** Both start with the same: the address moves when one is worse than the other, and not back when it is as good again. */
const PRIORITY = 100;

/**
 * `keepalived.conf`, right for keepalived 2.2 (Debian 12) and 2.3 (Debian 13). VRRP version 3, from host to host: it has no password, and
 * the firewall takes it from the other gateways alone.
 */
export function keepalivedConfiguration(given: KeepalivedConfiguration): string {
  return [
    '# The address of the gateways, made from the inventory: a change here is undone by the next deployment.',
    'global_defs {',
    '    enable_script_security',
    // With another account, the test of a configuration by keepalived 2.2 ends itself.
    '    script_user root',
    '    vrrp_version 3',
    '    vrrp_garp_master_refresh 60',
    '}',
    '',
    'vrrp_script ready {',
    `    script "/usr/bin/curl --fail --silent --max-time 2 --output /dev/null ${given.ready}"`,
    '    interval 1',
    '    timeout 3',
    '    fall 3',
    '    rise 1',
    // Less, not out: where no gateway is ready the address stays, and who asks is told so.
    `    weight -${PRIORITY / 2}`,
    '    init_fail',
    '}',
    '',
    'vrrp_instance gateway {',
    '    state BACKUP',
    `    interface ${given.interface}`,
    `    virtual_router_id ${given.router}`,
    `    priority ${PRIORITY}`,
    '    advert_int 1',
    `    unicast_src_ip ${given.own}`,
    '    unicast_peer {',
    ...[...given.others].sort().map((other) => `        ${other}`),
    '    }',
    '    virtual_ipaddress {',
    `        ${given.address}/${given.address.includes(':') ? 128 : 32}`,
    '    }',
    '    track_script {',
    '        ready',
    '    }',
    '}',
    '',
  ].join('\n');
}
