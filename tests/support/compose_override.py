"""One network namespace for a composed stack. In: ``compose config --format json``. Out: an override that changes little else.

Where an engine may not make bridges, every service joins the namespace of one extra container that has only its
loopback, and in which all service names are that loopback. Commands, environment, secrets, health checks, limits,
users and volumes stay as they are; what this cannot show: bridges, published ports, a service bound to the wrong address.

An engine older than 25 has no ``start_interval``: there, a check runs as often all the time as it would at the start, and
may fail for as long in all.
"""

import json
import sys
from typing import Any

HOLDER = "netns"
_PATIENCE = 24
"""How many checks may fail in a row once a service had its time to start: minutes, as with the checks' own pace."""


def override(config: dict[str, Any], holder_image: str) -> str:
    """The override as YAML."""
    names = sorted(config["services"])
    lines = [
        "services:",
        f"  {HOLDER}:",
        f"    image: {holder_image}",
        "    network_mode: none",
        "    init: true",
        "    entrypoint: []",
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
            *_pace(config["services"][name].get("healthcheck", {}).get("start_interval")),
        ]
    return "\n".join(lines) + "\n"


def _pace(at_the_start: str | None) -> list[str]:
    if at_the_start is None:
        return []
    return [
        "    healthcheck:",
        f"      interval: {at_the_start}",
        "      start_interval: !reset null",
        f"      retries: {_PATIENCE}",
    ]


if __name__ == "__main__":
    sys.stdout.write(override(json.load(sys.stdin), sys.argv[1]))
