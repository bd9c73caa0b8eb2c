#!/bin/sh
# The browser tests drive Debian's chromium; installs it where this user may, and says what to do where not.
set -eu
if [ -n "${FARZI_CHROMIUM:-}" ] || command -v chromium >/dev/null 2>&1; then exit 0; fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo "Installing chromium for the browser tests"
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium fonts-dejavu-core >/dev/null
elif [ -n "${CI:-}" ]; then
  echo "chromium is missing and this user may not install packages" >&2
  exit 1
else
  echo "chromium is missing: the browser tests will be skipped. Install it (sudo apt-get install chromium) or set FARZI_CHROMIUM to a Chrome or Chromium program." >&2
fi
