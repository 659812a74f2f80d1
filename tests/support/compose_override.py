"""One network namespace for a composed stack. In: ``compose config --format json``. Out: an override that changes nothing else.

Where an engine may not make bridges, every service joins the namespace of one extra container that has only its
loopback, and in which all service names are that loopback. Commands, environment, secrets, health checks, limits,
users and volumes stay as they are; what this cannot show: bridges, published ports, a service bound to the wrong address.
"""

import json
import sys
from typing import Any

HOLDER = "netns"


def override(config: dict[str, Any], holder_image: str) -> str:
    """The override as YAML."""
    names = sorted(config["services"])
    lines = [
        "services:",
        f"  {HOLDER}:",
        f"    image: {holder_image}",
        "    network_mode: none",
        "    init: true",
    ]
    lines += ["    command: [sleep, infinity]", "    extra_hosts:"]
    lines += [f'      - "{name}:127.0.0.1"' for name in names]
    for name in names:
        lines += [
            f"  {name}:",
            f'    network_mode: "service:{HOLDER}"',
            "    networks: !reset null",
            "    ports: !reset []",
            "    depends_on:",
            f"      {HOLDER}: {{condition: service_started}}",
        ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(override(json.load(sys.stdin), sys.argv[1]))
