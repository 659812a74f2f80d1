#!/bin/sh
# The sandbox platform (8000) and portal (8001) of profile "sandbox": for trying things out, synthetic data only.
set -eu
FAZHI_PLATFORM_SECRET=$(cat /run/secrets/platform_secret)
FAZHI_PORTAL_TOKEN=$(cat /run/secrets/portal_token)
export FAZHI_PLATFORM_SECRET FAZHI_PORTAL_TOKEN
mkdir -p /srv/sandbox/submissions
exec python -m fazhi.sandbox --host 0.0.0.0 --port 8000 --app-id "${FAZHI_PLATFORM_APP_ID:-fazhi}" \
  --state /srv/sandbox/platform.db --portal --portal-port 8001 --portal-state /srv/sandbox/portal.db \
  --submissions /srv/sandbox/submissions
