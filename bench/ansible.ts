import { work } from './work.js';

/** A task of a playbook, or a play: Ansible reads JSON where it reads YAML. */
type Task = Readonly<Record<string, unknown>>;

/** The work as a playbook in its users' own manner: one task per kind of thing, loops over the things. */
export function playbook(items: number): readonly Task[] {
  const { packages, account, directories, files, blocks, symlinks, services, running } = work(items);
  const units = Object.entries(files).filter(([path]) => path.startsWith('/etc/systemd/system/'));
  const plain = Object.entries(files).filter(([path]) => !path.startsWith('/etc/systemd/system/'));
  const copy = (list: readonly (readonly [string, string])[]): Task => ({
    copy: { dest: '{{ item.0 }}', content: '{{ item.1 }}', owner: 'root', group: 'root', mode: '0644' },
    loop: list,
    loop_control: { label: '{{ item.0 }}' },
  });
  return play([
    // The apt module wants a Python package on the host that the lab's hosts have not; asking dpkg is cheaper anyhow.
    { command: `dpkg-query -W ${packages.join(' ')}`, changed_when: false },
    { group: { name: account, system: true } },
    {
      user: {
        name: account,
        group: account,
        home: '/nonexistent',
        create_home: false,
        shell: '/usr/sbin/nologin',
        system: true,
      },
    },
    { file: { path: '{{ item }}', state: 'directory', mode: '0755' }, loop: directories },
    copy(plain),
    {
      blockinfile: { path: '{{ item.0 }}', block: '{{ item.1 }}', marker: '# {mark} bench' },
      loop: Object.entries(blocks),
    },
    { file: { path: '{{ item.0 }}', src: '{{ item.1 }}', state: 'link' }, loop: Object.entries(symlinks) },
    { ...copy(units), register: 'unit_files' },
    { systemd: { daemon_reload: true }, when: 'unit_files is changed' },
    { systemd: { name: '{{ item }}', enabled: true, state: 'started' }, loop: [...running, ...services] },
  ]);
}

/** Takes all of it away again; not measured. */
export function undoPlaybook(items: number): readonly Task[] {
  const { account, files, blocks, services } = work(items);
  const others = Object.keys(files).filter((path) => path.startsWith('/etc/'));
  return play([
    { shell: `systemctl disable --now ${services.join(' ')}` },
    { file: { path: '{{ item }}', state: 'absent' }, loop: ['/srv/bench', ...others] },
    {
      blockinfile: { path: '{{ item }}', state: 'absent', marker: '# {mark} bench' },
      loop: Object.keys(blocks),
    },
    { user: { name: account, state: 'absent' } },
    { group: { name: account, state: 'absent' } },
    { systemd: { daemon_reload: true } },
  ]);
}

function play(tasks: readonly Task[]): readonly Task[] {
  return [{ hosts: 'lab', gather_facts: false, tasks }];
}
