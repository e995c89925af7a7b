#!/usr/bin/env bash
# Installs what the tests on real servers need, on Debian and its like: redis-server, Prometheus with promtool, kcat,
# Java and Maven by apt, and Apache Kafka from Maven Central into .real/kafka. Does nothing where all is there already.
# Starts no service.
set -euo pipefail

KAFKA_VERSION=4.3.1
JAVA_MINIMUM=17
PROGRAMS=(redis-server kcat prometheus promtool java mvn)
TRIES=4

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
kafka=$here/../../.real/kafka
policy=/usr/sbin/policy-rc.d

say() { echo "setup-real: $*" >&2; }
fail() { say "$*"; exit 1; }

retry() {
  local try
  for ((try = 1; try <= TRIES; try++)); do
    "$@" && return 0
    ((try == TRIES)) && fail "given up after $TRIES tries: $*"
    say "try $try failed; the next in $((try * 5)) s"
    sleep $((try * 5))
  done
}

java_is_new_enough() {
  local version
  version=$(java -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -1)
  [ "${version:-0}" -ge "$JAVA_MINIMUM" ]
}

missing() {
  local program
  for program in "${PROGRAMS[@]}"; do
    command -v "$program" >/dev/null || echo "$program"
  done
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    fail "root is needed to install packages: run it as root, or install sudo"
  fi
}

# The JRE that the release offers, the newest known to be enough first.
java_package() {
  local version
  for version in 25 21 17; do
    if apt-cache show "openjdk-$version-jre-headless" >/dev/null 2>&1; then
      echo "openjdk-$version-jre-headless"
      return
    fi
  done
  fail "apt offers no Java $JAVA_MINIMUM or later"
}

install_packages() {
  command -v apt-get >/dev/null || fail "this installs Debian packages; on another system, install ${PROGRAMS[*]}"
  say "installing packages: $(missing | tr '\n' ' ')"
  retry as_root apt-get update -qq
  # Debian's own way to keep a package from starting its service. One that an administrator wrote is left alone.
  if [ ! -e "$policy" ]; then
    trap 'as_root rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod 755 "$policy"
  fi
  local packages=(redis-server kcat prometheus maven)
  java_is_new_enough 2>/dev/null || packages+=("$(java_package)")
  retry as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${packages[@]}"
}

download_kafka() {
  say "downloading Apache Kafka $KAFKA_VERSION"
  rm -rf "$kafka" "$kafka.part"
  mkdir -p "$kafka.part"
  retry mvn --quiet --batch-mode -Dstyle.color=never --file "$here/kafka-pom.xml" "-Dkafka.version=$KAFKA_VERSION" \
    dependency:copy-dependencies -DincludeScope=runtime "-DoutputDirectory=$(cd "$kafka.part" && pwd)"
  # Whole or not there at all.
  mv "$kafka.part" "$kafka"
}

if [ -n "$(missing)" ] || ! java_is_new_enough; then
  install_packages
fi
[ -z "$(missing)" ] || fail "still missing: $(missing | tr '\n' ' ')"
java_is_new_enough || fail "Java $JAVA_MINIMUM or later is needed, but java is: $(java -version 2>&1 | head -1)"

[ -e "$kafka/kafka_2.13-$KAFKA_VERSION.jar" ] || download_kafka
for jar in kafka_2.13 kafka-clients kafka-tools; do
  [ -e "$kafka/$jar-$KAFKA_VERSION.jar" ] || fail "$jar-$KAFKA_VERSION.jar is not in $kafka: remove that and try again"
done
say "all there: $(redis-server --version | cut -d ' ' -f 3), Kafka $KAFKA_VERSION, $(promtool --version 2>&1 | head -1)"
