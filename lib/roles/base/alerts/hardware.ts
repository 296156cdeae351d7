import {
  above,
  alert,
  below,
  fires,
  growing,
  minutes,
  NODE,
  on,
  series,
  silent,
  steady,
} from '../../../constructs/monitoring/alerts/spec.js';
import type { AlertSpec } from '../../../constructs/monitoring/alerts/spec.js';

const MD = { ...NODE, device: 'md0' };
const LINK = { ...NODE, device: 'eth0' };
const SDA = { ...NODE, device: 'sda' };
const BOND = { ...NODE, master: 'bond0' };
const EDAC = { ...NODE, controller: '0' };
const MORNING = 'Wait for the morning.';
const KERNEL = on('$host', 'journalctl -k --since -2h --priority warning', 'shows what the kernel met');

/** Disks, links and memory of which a spare part is in use: nothing is lost until the next one fails. */
export const HARDWARE: readonly AlertSpec[] = [
  alert('RaidDegraded', 'critical', {
    expr: 'node_md_disks_required - on (host, device) node_md_disks{state="active"} > 0',
    for: minutes(15),
    summary: '{{ $labels.device }} of {{ $labels.host }} misses {{ $value | printf "%.0f" }} disks',
    description: 'The array works without them, and has nothing left to lose.',
    runbook: {
      meaning: 'A disk of an array failed or was taken out. The next one that fails takes the data with it.',
      look: [
        on('$host', 'cat /proc/mdstat', 'shows the arrays, and whether one is being rebuilt'),
        on('$host', 'sudo mdadm --detail /dev/DEVICE', 'names the disk that is missing'),
        KERNEL,
      ],
      fix: [
        'Make sure that there is a good backup before anything else.',
        'Replace the disk, then add the new one: `sudo mdadm /dev/md0 --add /dev/sdx1`.',
      ],
      escalate: 'Wake the person responsible for the hardware if no spare disk is being built in.',
    },
    tests: [
      fires('one of two', raid(2, 1), { labels: { host: 'a', device: 'md0' }, value: 1 }),
      silent('both are there', raid(2, 2)),
    ],
  }),
  alert('RaidDiskFailed', 'warning', {
    expr: 'node_md_disks{state="failed"} > 0',
    for: minutes(5),
    summary: '{{ $value | printf "%.0f" }} disks of {{ $labels.device }} on {{ $labels.host }} have failed',
    description: 'A spare one may have taken the place already; the broken one is still in the array.',
    runbook: {
      meaning: 'A disk is broken.',
      look: [on('$host', 'cat /proc/mdstat', 'shows which one: it is marked (F)')],
      fix: ['Replace it in daylight.'],
      escalate: 'Wait for the morning unless [RaidDegraded](#raiddegraded) fires as well.',
    },
    tests: [
      fires(
        'one',
        { [series('node_md_disks', { ...MD, state: 'failed' })]: steady(1) },
        { labels: { ...MD, state: 'failed' }, value: 1 },
      ),
      silent('none; spares are no failures', {
        [series('node_md_disks', { ...MD, state: 'failed' })]: steady(0),
        [series('node_md_disks', { ...MD, state: 'spare' })]: steady(1),
      }),
    ],
  }),
  alert('DiskSaturated', 'warning', {
    expr: 'rate(node_disk_io_time_weighted_seconds_total{device!~"(dm-|md|loop|sr|zram).*"}[5m]) > 10',
    for: minutes(30),
    summary:
      'Requests wait for {{ $labels.device }} of {{ $labels.host }}, {{ $value | printf "%.0f" }} at a time',
    description: 'More than ten at a time, for half an hour: the disk gets more to do than it can.',
    runbook: {
      meaning:
        'Everything that reads or writes there is slow: models load for longer, and backups do not end in time.',
      look: [
        on('$host', 'cat /proc/pressure/io', 'shows which share of the time programs wait for disks'),
        on('$host', 'ps -eo stat,pid,cmd | grep "^D"', 'shows who waits now'),
      ],
      fix: [
        'A backup or a download that will end is left alone.',
        'Otherwise stop what writes, or give it another time of the day.',
      ],
      escalate: MORNING,
    },
    tests: [
      fires('a little above the level', waiting(above(10)), { labels: SDA, value: above(10) }, minutes(5)),
      silent('a little below it', waiting(below(10)), minutes(60)),
      silent('a volume, whose disks are counted', waiting(20, 'dm-0'), minutes(60)),
    ],
  }),
  alert('NetworkErrors', 'warning', {
    expr:
      '100 * (rate(node_network_receive_errs_total[5m]) + rate(node_network_transmit_errs_total[5m]))\n' +
      '  / (rate(node_network_receive_packets_total[5m]) + rate(node_network_transmit_packets_total[5m])) > 1',
    for: minutes(60),
    summary:
      '{{ $value | printf "%.1f" }} % of the packets of {{ $labels.device }} on {{ $labels.host }} are damaged',
    description: 'More than one in a hundred, for an hour: connections are slow, and break off.',
    runbook: {
      meaning: 'A cable, a transceiver or a port of the switch is bad.',
      look: [on('$host', 'ip -s link show DEVICE', 'shows which kind of error grows'), KERNEL],
      fix: ['Exchange the cable, then the transceiver, then use another port.'],
      escalate: MORNING,
    },
    tests: [
      fires('a little above the level', packets(above(1)), { labels: LINK, value: above(1) }, minutes(1)),
      silent('a little below it', packets(below(1)), minutes(90)),
    ],
  }),
  alert('BondDegraded', 'warning', {
    expr: 'node_bonding_slaves - node_bonding_active > 0',
    for: minutes(5),
    summary: '{{ $labels.master }} of {{ $labels.host }} misses {{ $value | printf "%.0f" }} links',
    description: 'The others carry everything.',
    runbook: {
      meaning:
        'A cable or a port of the switch is down. The next one that fails takes the host off the network.',
      look: [on('$host', 'grep -A1 Interface /proc/net/bonding/*', 'names the link that is down')],
      fix: ['Look at its cable and at the port of the switch.'],
      escalate: MORNING,
    },
    tests: [
      fires('one of two', bond(2, 1), { labels: BOND, value: 1 }),
      silent('both are there', bond(2, 2)),
    ],
  }),
  alert('HostMemoryErrors', 'warning', {
    expr: 'increase(node_edac_correctable_errors_total[1d]) > 100',
    summary: 'Memory of {{ $labels.host }} corrects errors, {{ $value | printf "%.0f" }} within a day',
    description:
      'The memory controller {{ $labels.controller }} corrects more than a few: a module begins to fail.',
    runbook: {
      meaning: 'Nothing is lost yet. A module that corrects many errors meets one that it cannot correct.',
      look: [
        on('$host', 'journalctl -k -g "edac|mce|hardware error" --since -1d', 'shows which module it is'),
      ],
      fix: ['Have the module replaced at the next occasion.'],
      escalate: MORNING,
    },
    tests: [
      fires('more than a hundred', corrected(101), { labels: EDAC, value: 101 }, minutes(1441)),
      silent('a few', corrected(99), minutes(1450)),
    ],
  }),
  alert('HostFilesFull', 'warning', {
    expr: '100 * node_filefd_allocated / node_filefd_maximum > 80',
    for: minutes(10),
    summary: '{{ $labels.host }} has {{ $value | printf "%.0f" }} % of the files open that it can',
    description: 'When there are none left, nothing can open a file or a connection.',
    runbook: {
      meaning: 'A program opens files and does not close them.',
      look: [
        on(
          '$host',
          "sudo sh -c 'for p in /proc/[0-9]*; do echo $(ls $p/fd | wc -l) $p $(cat $p/comm); done' 2>/dev/null | sort -n | tail",
          'shows who has most',
        ),
      ],
      fix: ['Restart that program, and tell its makers.'],
      escalate: MORNING,
    },
    tests: [
      fires('a little above the level', files(above(80)), { labels: NODE, value: above(80) }),
      silent('a little below it', files(below(80))),
    ],
  }),
];

function raid(required: number, active: number) {
  return {
    [series('node_md_disks_required', MD)]: steady(required),
    [series('node_md_disks', { ...MD, state: 'active' })]: steady(active),
    [series('node_md_disks', { ...MD, state: 'spare' })]: steady(0),
  };
}

function packets(percent: number) {
  return {
    [series('node_network_receive_errs_total', LINK)]: growing(percent * 50, 150, 1e6),
    [series('node_network_transmit_errs_total', LINK)]: growing(percent * 50, 150, 1e6),
    [series('node_network_receive_packets_total', LINK)]: growing(5000, 150, 1e6),
    [series('node_network_transmit_packets_total', LINK)]: growing(5000, 150, 1e6),
  };
}

function waiting(requests: number, device = 'sda') {
  return {
    [series('node_disk_io_time_weighted_seconds_total', { ...NODE, device })]: growing(requests * 60),
  };
}

function bond(links: number, active: number) {
  return {
    [series('node_bonding_slaves', BOND)]: steady(links),
    [series('node_bonding_active', BOND)]: steady(active),
  };
}

/** So many errors at one moment, a day after the first look. */
function corrected(count: number) {
  return { [series('node_edac_correctable_errors_total', EDAC)]: `0x1440 ${count}x60` };
}

function files(percent: number) {
  return {
    [series('node_filefd_allocated', NODE)]: steady(percent),
    [series('node_filefd_maximum', NODE)]: steady(100),
  };
}
