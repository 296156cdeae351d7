# What is mounted, in a form that survives a reboot: a device may get another name, and the kernel adds options of its own.

look_mounts() { # reads mount points, one a line; of each that is mounted PATH US TYPE US SOURCE US OPTIONS, or PATH US autofs
  if ! on_host || ! command -v findmnt >/dev/null; then
    cat >/dev/null
    return 0
  fi
  while IFS= read -r lm_path; do
    findmnt -n -P -o FSTYPE,UUID,SOURCE,FSROOT,OPTIONS --mountpoint "$lm_path" 2>/dev/null | tail -n 1 |
      awk -v path="$lm_path" -v US="$US" '
        function value(name,  at, rest) {
          at = index($0, name "=\"")
          if (!at) return ""
          rest = substr($0, at + length(name) + 2)
          return substr(rest, 1, index(rest, "\"") - 1)
        }
        { type = value("FSTYPE")
          if (type == "autofs") { print path US type; next }
          source = value(" UUID")
          if (source == "") source = value("SOURCE")
          n = split(value("OPTIONS"), all, ",")
          for (i = 1; i <= n; i++)
            if (all[i] ~ /^(ro|noexec|nosuid|nodev|noatime|nodiratime|sync|dirsync)$/) kept = kept " " all[i]
          print path US type US source US value("FSROOT") kept }'
  done
}
