/** The commands that make a machine a node, as the guides say (`docs/how-to/run-an-agent.md`, `systemd.md`, `agent-in-a-container.md`). */

export interface Wanted {
  endpoint: string;
  key: string;
  /** What jobs run in. */
  runtime: "docker" | "process";
}

export type Way = "shell" | "systemd" | "container";

export interface Commands {
  way: Way;
  label: string;
  /** What has to be there first. */
  before: string;
  steps: { say: string; command: string }[];
}

/** A word for a POSIX shell, which reads it as it stands. */
export function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replace(/'/g, String.raw`'\''`)}'`;
}

export function commandsFor({ endpoint, key, runtime }: Wanted): Commands[] {
  const settings = `export LILAC_API_ENDPOINT=${quoted(endpoint)}\nexport LILAC_CLUSTER_API_KEY=${quoted(key)}`;
  return [
    {
      way: "shell",
      label: "In a shell",
      before: "Needs Lilac on the machine: in a checkout of it, deploy/install.sh installs it for you, and asks before it does anything.",
      steps: [
        {
          say: "On the machine",
          command: `${settings}\nlilac agent configure --non-interactive\nlilac agent start --runtime ${runtime}`,
        },
      ],
    },
    {
      way: "systemd",
      label: "As a service (systemd)",
      before: "The agent starts with the machine, as the user lilac.",
      steps: [
        { say: "In a checkout of Lilac on the machine", command: "deploy/install.sh --system --agent" },
        {
          say: "Its settings, then its start",
          command: [
            "sudo install -m 640 -g lilac /dev/stdin /etc/lilac/agent.toml <<'END'",
            `api_endpoint = ${JSON.stringify(endpoint)}`,
            `cluster_api_key = ${JSON.stringify(key)}`,
            `runtimes = ["${runtime}"]`,
            "END",
            "sudo systemctl start lilac-agent",
          ].join("\n"),
        },
        { say: "What it says", command: "journalctl -u lilac-agent -f" },
      ],
    },
    {
      way: "container",
      label: "In a container",
      before: "Needs nothing but Docker on the machine: the image holds the agent and an engine of its own.",
      steps: [
        { say: "In a checkout of Lilac, once: build the image (and push it to your registry)", command: "deploy/agent/build.sh lilac-agent" },
        {
          say: "On the machine (leave out --gpus all where there are no GPUs)",
          command: [
            'docker run -d --name lilac-agent --hostname "$(hostname)" --restart always --privileged --gpus all \\',
            "  -v lilac-agent:/var/lib/lilac -v lilac-docker:/var/lib/docker \\",
            `  -e LILAC_API_ENDPOINT=${quoted(endpoint)} \\`,
            `  -e LILAC_CLUSTER_API_KEY=${quoted(key)} \\`,
            `  lilac-agent${runtime === "process" ? " --runtime process" : ""}`,
          ].join("\n"),
        },
        { say: "What it says", command: "docker logs -f lilac-agent" },
      ],
    },
  ];
}

/** Whether an address leads only to the machine that uses it. */
export function isLoopback(endpoint: string): boolean {
  try {
    return /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(new URL(endpoint).hostname);
  } catch {
    return false;
  }
}
