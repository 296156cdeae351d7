/** A package with nothing in it. */
export interface PlainPackage {
  readonly name: string;
  readonly version: string;
  /** Further fields of its control file: `Depends: x`. */
  readonly fields?: readonly string[];
  /** Its postinst, without the first line. */
  readonly postinst?: string;
}

export const REPOSITORY = '/srv/e2e-repo';

/** Shell text that makes a repository of these packages on a host, and lets its apt know it: `NAME_VERSION.deb` each. */
export function repositoryOf(packages: readonly PlainPackage[]): string {
  const made = packages.map(({ name, version, fields = [], postinst }) => {
    const control = [
      `Package: ${name}`,
      `Version: ${version}`,
      'Architecture: all',
      'Maintainer: x <x@example.org>',
      'Description: x',
      ...fields,
    ];
    return `
      rm -rf /tmp/deb && mkdir -p /tmp/deb/DEBIAN && printf '%s\\n' ${control.map((line) => `'${line}'`).join(' ')} >/tmp/deb/DEBIAN/control
      ${postinst === undefined ? '' : `printf '#!/bin/sh\\n%s\\n' '${postinst}' >/tmp/deb/DEBIAN/postinst && chmod 755 /tmp/deb/DEBIAN/postinst`}
      dpkg-deb --root-owner-group --build /tmp/deb ${name}_${version}.deb >/dev/null`;
  });
  return `set -e
    rm -rf ${REPOSITORY} && mkdir -p ${REPOSITORY} && cd ${REPOSITORY}
    ${made.join('\n')}
    for deb in *.deb; do
      dpkg-deb -f "$deb" && echo "Filename: ./$deb"
      echo "Size: $(stat -c %s "$deb")" && echo "SHA256: $(sha256sum "$deb" | cut -d ' ' -f 1)" && echo
    done >Packages
    rm -rf /tmp/deb && echo 'deb [trusted=yes] file:${REPOSITORY} ./' >/etc/apt/sources.list.d/e2e-repo.list
    apt-get -q update >/dev/null 2>&1`;
}
