import { has, lacks, shown, type GuideLine } from './guide-line.js';

/**
 * What the operations guide has a person type, section by section and in its order, each line as it is written there.
 * `works` says what must be seen besides the exit status; `endless` lines are ended after some seconds; `double` names what
 * stands in for hardware or a product that the lab cannot have.
 */
export const GUIDE: readonly { readonly section: string; readonly lines: readonly GuideLine[] }[] = [
  {
    section: 'Service management',
    lines: [
      { type: 'citadel health', works: has(/\bwell\b|healthy|ok/i) },
      { type: 'citadel logs monitor', works: has(/./) },
      { type: 'citadel restart mixtral', works: has(/mixtral/), double: 'vLLM' },
      { type: 'systemctl status citadel-phi3.service', works: has(/active \(running\)/) },
    ],
  },
  {
    section: 'Monitoring',
    lines: [
      { type: '/opt/citadel/scripts/monitoring_dashboard.py', works: has(/phi3/), double: 'GPU' },
      { type: "cat /opt/citadel/logs/monitoring/alerts.json | jq '.[-5:]'", works: has(/^\[/) },
      { type: "cat /opt/citadel/logs/monitoring/metrics.json | jq '.[-1]'", works: has(/"time"/) },
    ],
  },
  {
    section: 'Backup operations',
    lines: [
      { type: '/opt/citadel/scripts/backup_models.py --type daily --model phi3', works: has(/phi3/) },
      { type: '/opt/citadel/scripts/backup_configs.py', works: has(/configs-|configuration/i) },
      {
        type: '/opt/citadel/scripts/backup_manager.py verify /mnt/citadel-backup/models/daily/',
        works: has(/phi3-\d{8}T\d{6}Z/),
      },
      { type: 'ls -la /mnt/citadel-backup/models/daily/', works: has(/phi3-\d{8}T\d{6}Z\.tar\.zst/) },
      { type: 'df -h /mnt/citadel-backup', works: has(/\/dev\/sda1 .* \/mnt\/citadel-backup/) },
    ],
  },
  {
    section: 'Storage management',
    lines: [
      { type: '/opt/citadel/scripts/storage_manager.py verify-symlinks', works: shown },
      { type: 'df -h | grep citadel', works: has(/\/mnt\/citadel-models/) },
      { type: '/opt/citadel/scripts/storage_manager.py verify-prereq', works: shown },
    ],
  },
  {
    section: 'Service won’t start',
    lines: [
      { type: 'systemctl status citadel-mixtral.service', works: has(/active \(running\)/) },
      { type: 'journalctl -u citadel-mixtral.service -f', endless: true, works: has(/mixtral/i) },
      { type: 'htop', endless: true, works: has(/Tasks|CPU|Mem/) },
      { type: 'nvidia-smi', works: has(/NVIDIA-SMI/), double: 'GPU' },
      { type: 'citadel restart mixtral', works: has(/mixtral/), double: 'vLLM' },
    ],
  },
  {
    section: 'Model loading failures',
    lines: [
      { type: 'ls -la /opt/citadel/models/', works: has(/Phi-3-mini-128k-instruct/) },
      { type: '/opt/citadel/scripts/storage_manager.py verify-symlinks', works: shown },
      { type: 'nvidia-smi', works: has(/NVIDIA-SMI/), double: 'GPU' },
      { type: 'journalctl -u citadel-mixtral.service --since "10 minutes ago"', works: has(/mixtral/i) },
    ],
  },
  {
    section: 'Port conflicts',
    lines: [
      { type: 'netstat -tlnp | grep :1140', works: has(/:11400 .*LISTEN/) },
      // Not the shell that types it, whose own words do not hold the text.
      { type: 'pkill -f "vllm.entrypoints.openai.api_server"', works: () => undefined, double: 'vLLM' },
      { type: 'systemctl restart citadel-mixtral.service', works: () => undefined, double: 'vLLM' },
    ],
  },
  {
    section: 'Storage full',
    lines: [
      { type: 'df -h | grep citadel', works: has(/\/mnt\/citadel-models/) },
      { type: 'find /opt/citadel/logs -name "*.log" -mtime +7 -delete', works: () => undefined },
      { type: '/opt/citadel/scripts/backup_manager.py cleanup 30', works: shown },
      // find(1) ends with 1 where there are private folders of services, which only root may look into.
      {
        type: 'find /tmp -size +1G -user agent0',
        works: lacks(/^\/tmp\/(?!systemd-private)/m),
        statuses: [0, 1],
      },
    ],
  },
  {
    section: 'Broken symlinks',
    lines: [
      { type: '/opt/citadel/scripts/storage_manager.py verify-symlinks', works: shown },
      { type: '/opt/citadel/scripts/storage_manager.py repair-symlinks', works: shown },
      { type: 'sudo rm /opt/citadel/models', works: () => undefined },
      { type: 'sudo ln -sf /mnt/citadel-models/active /opt/citadel/models', works: () => undefined },
    ],
  },
  {
    section: 'Mount point issues',
    lines: [
      { type: 'mount | grep citadel', works: has(/on \/mnt\/citadel-models type ext4/) },
      { type: 'mountpoint /mnt/citadel-models', works: has(/is a mountpoint/) },
      { type: 'sudo umount /mnt/citadel-models', works: () => undefined, given: 'models are stopped' },
      { type: 'sudo mount /mnt/citadel-models', works: () => undefined, given: 'models are stopped' },
      { type: 'grep citadel /etc/fstab', works: has(/\/dev\/nvme1n1p1 \/mnt\/citadel-models/) },
    ],
  },
  {
    section: 'High resource usage',
    lines: [
      { type: 'htop', endless: true, works: has(/Tasks|CPU|Mem/) },
      { type: 'iotop', endless: true, works: has(/DISK READ/) },
      { type: 'nvidia-smi', works: has(/NVIDIA-SMI/), double: 'GPU' },
      {
        type: 'nvidia-smi --query-gpu=memory.used,memory.total --format=csv',
        works: has(/memory\.used \[MiB\], memory\.total \[MiB\]\n\d+ MiB, 81920 MiB/),
        double: 'GPU',
      },
      {
        type: `cat /opt/citadel/logs/monitoring/alerts.json | jq '.[] | select(.severity=="critical")'`,
        works: lacks(/error/i),
      },
      { type: 'citadel restart models', works: has(/phi3/), double: 'vLLM' },
    ],
  },
  {
    section: 'Slow model responses',
    lines: [
      {
        type:
          'curl -X POST http://localhost:11403/v1/chat/completions \\\n' +
          '  -H "Content-Type: application/json" \\\n' +
          `  -d '{"model": "phi3", "messages": [{"role": "user", "content": "test"}]}'`,
        works: has(/"choices"/),
        double: 'vLLM',
      },
      { type: 'journalctl -u citadel-phi3.service --since "5 minutes ago"', works: has(/phi3/i) },
      { type: 'watch -n 1 nvidia-smi', endless: true, works: has(/NVIDIA-SMI/), double: 'GPU' },
    ],
  },
  {
    section: 'Service connectivity',
    lines: [
      { type: 'curl http://localhost:11400/health', works: lacks(/refused|failed/i), double: 'vLLM' },
      { type: 'curl http://localhost:11403/health', works: lacks(/refused|failed/i), double: 'vLLM' },
      { type: 'ip addr show', works: has(/192\.168\.10\.35/) },
      { type: 'netstat -tuln | grep :114', works: has(/127\.0\.0\.1:11400[\s\S]*|192\.168\.10\.35:11400/) },
      { type: 'ping 192.168.10.36', endless: true, works: has(/bytes from 192\.168\.10\.36/) },
      { type: 'curl http://192.168.10.36:9090/-/healthy', works: has(/Prometheus.* is Healthy/) },
    ],
  },
  {
    section: 'Monitoring integration',
    lines: [
      { type: 'curl http://localhost:8000/metrics/system', works: has(/^citadel_system_cpu_ratio /m) },
      { type: 'curl http://192.168.10.36:9090/api/v1/query?query=up', works: has(/"status":"success"/) },
      {
        type: 'curl http://192.168.10.36:3000/api/health',
        works: has(/"database": ?"ok"/),
        double: 'Grafana',
      },
    ],
  },
  {
    section: 'Complete system restart',
    lines: [
      { type: 'citadel-rollback emergency', works: shown, seconds: 15 },
      { type: 'sleep 30', works: () => undefined },
      { type: 'ps aux | grep vllm', works: lacks(/openai\.api_server/) },
      { type: 'ps aux | grep citadel', works: lacks(/citadel-monitor|citadel-metrics-exporter|vllm serve/) },
      { type: 'citadel start storage', works: shown },
      { type: 'citadel start gpu', works: shown, double: 'GPU' },
      { type: 'citadel start phi3', works: has(/phi3/), double: 'vLLM' },
      { type: 'sleep 30', works: () => undefined },
      { type: 'citadel start mixtral', works: has(/mixtral/), double: 'vLLM' },
      { type: 'sleep 30', works: () => undefined },
      { type: 'citadel start models', works: shown, double: 'vLLM' },
      { type: 'citadel health', works: shown },
    ],
  },
  {
    section: 'Storage recovery',
    lines: [
      {
        type: 'sudo fsck /dev/nvme1n1p1',
        works: has(/clean/),
        terminal: true,
        given: 'disks are not mounted',
      },
      { type: 'sudo fsck /dev/sda1', works: has(/clean/), terminal: true, given: 'disks are not mounted' },
      {
        type: 'sudo umount /mnt/citadel-models /mnt/citadel-backup',
        works: () => undefined,
        given: 'models are stopped',
      },
      { type: 'sudo mount /mnt/citadel-models', works: () => undefined, given: 'models are stopped' },
      { type: 'sudo mount /mnt/citadel-backup', works: () => undefined, given: 'models are stopped' },
      { type: '/opt/citadel/scripts/storage_manager.py repair-symlinks', works: shown },
      { type: 'ls -la /opt/citadel/models/', works: has(/Mixtral-8x7B-Instruct-v0\.1/) },
    ],
  },
  {
    section: 'Model recovery from backup',
    lines: [
      {
        type: 'citadel stop models',
        works: shown,
        given: 'mixtral was backed up, then damaged',
        double: 'vLLM',
      },
      { type: 'ls -lt /mnt/citadel-backup/models/daily/', works: has(/mixtral-\d{8}T\d{6}Z/) },
      { type: 'cd /mnt/citadel-backup/models/daily', works: () => undefined },
      { type: 'latest_backup=$(ls -t *mixtral* | head -1)', works: () => undefined },
      { type: 'mkdir -p /mnt/citadel-models/staging/recovery', works: () => undefined },
      {
        type: 'tar -I zstd -xf "$latest_backup" -C /mnt/citadel-models/staging/recovery/',
        works: () => undefined,
      },
      {
        type: '/opt/citadel/scripts/backup_manager.py verify "/mnt/citadel-models/staging/recovery"',
        works: has(/mixtral|Mixtral/),
      },
      {
        type: 'mv /mnt/citadel-models/active/Mixtral-8x7B-Instruct-v0.1 /mnt/citadel-models/staging/backup-$(date +%Y%m%d)',
        works: () => undefined,
      },
      {
        type: 'mv /mnt/citadel-models/staging/recovery/Mixtral-8x7B-Instruct-v0.1 /mnt/citadel-models/active/',
        works: () => undefined,
      },
      { type: 'citadel start models', works: shown, double: 'vLLM' },
    ],
  },
  {
    section: 'Monitoring recovery',
    lines: [
      { type: 'systemctl restart citadel-monitor.service', works: () => undefined },
      { type: 'curl http://localhost:8000/metrics/system', works: has(/^citadel_system_cpu_ratio /m) },
      { type: 'ping 192.168.10.36', endless: true, works: has(/bytes from 192\.168\.10\.36/) },
      { type: 'systemctl restart prometheus-node-exporter', works: () => undefined },
      { type: 'systemctl restart citadel-metrics-exporter', works: () => undefined },
      {
        type: 'curl http://192.168.10.36:3000/api/health',
        works: has(/"database": ?"ok"/),
        double: 'Grafana',
      },
    ],
  },
  {
    section: 'Weekly maintenance',
    lines: [
      { type: 'echo "=== Weekly Maintenance $(date) ==="', works: has(/=== Weekly Maintenance .+ ===/) },
      {
        type: 'sudo apt update && sudo apt upgrade -y',
        works: has(/\d+ upgraded|Upgrading: \d/i),
        seconds: 300,
      },
      { type: 'df -h | grep -E "(citadel|nvme|sda)"', works: has(/\/dev\/nvme1n1p1/) },
      { type: '/opt/citadel/scripts/backup_manager.py validate-all', works: has(/mixtral/) },
      { type: 'citadel health', works: shown },
      {
        type: 'grep -E "(critical|warning)" /opt/citadel/logs/monitoring/alerts.json',
        works: has(/"severity": ?"(critical|warning)"/),
        given: 'the monitor has raised an alert',
        double: 'GPU',
      },
      { type: 'find /opt/citadel/logs -name "*.log" -mtime +7 -delete', works: () => undefined },
      {
        type: 'nvidia-smi --query-gpu=temperature.gpu,power.draw,memory.used --format=csv',
        works: has(/temperature\.gpu, power\.draw \[W\], memory\.used \[MiB\]/),
        double: 'GPU',
      },
      { type: 'echo "Weekly maintenance completed"', works: has(/Weekly maintenance completed/) },
    ],
  },
  {
    section: 'Monthly maintenance',
    lines: [
      { type: 'echo "=== Monthly Maintenance $(date) ==="', works: has(/=== Monthly Maintenance .+ ===/) },
      { type: '/opt/citadel/scripts/backup_manager.py archive --older-than 30', works: shown },
      {
        type: '/opt/citadel/scripts/performance_baseline.py',
        works: has(/phi3/),
        seconds: 300,
        double: 'GPU',
      },
      { type: 'logrotate -f /etc/logrotate.d/citadel-ai', works: lacks(/error/i) },
      { type: 'sudo smartctl -a /dev/nvme1n1', works: has(/SMART/), double: 'SMART' },
      { type: 'sudo smartctl -a /dev/sda', works: has(/SMART/), double: 'SMART' },
      {
        type:
          'curl -X POST http://192.168.10.36:3000/api/dashboards/import \\\n' +
          '  -H "Content-Type: application/json" \\\n' +
          '  -d @/opt/citadel/monitoring/dashboards/citadel-overview.json',
        works: has(/"imported": ?true/),
        double: 'Grafana',
      },
      {
        type: '/opt/citadel/scripts/generate_monthly_report.py',
        works: has(/\/opt\/citadel\/logs\/reports\//),
      },
      { type: 'echo "Monthly maintenance completed"', works: has(/Monthly maintenance completed/) },
    ],
  },
];
