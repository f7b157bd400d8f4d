#!/usr/bin/env bash
# Measures the standalone server in every mode and writes the results into README.md beside this file.
# Takes about six minutes; nothing else should run. Arguments go to the benchmarks: --server-java, --jvm-opts …
set -euo pipefail
cd "$(dirname "$0")/../.."

mvn -q package -DskipTests -pl examples/standalone-server,examples/benchmarks -am
java -jar examples/benchmarks/target/benchmarks.jar all \
  --server-jar examples/standalone-server/target/standalone-server.jar --readme examples/benchmarks/README.md "$@"
