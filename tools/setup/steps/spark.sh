# Spark with Delta, whose Thrift Server answers the SQL of the workspace look-alike: the jars and
# the launch scripts out of PyPI's source archive of pyspark. Its Python part is not needed, and
# neither is the wheel that pip would spend a minute on packing. What is left out are state stores
# and schedulers that a local server never loads. Java comes from the Debian packages.
title='Spark 4.0.1 with Delta 4.0.0'
remedy='check that pip can reach a package index and Maven its repository'
pins=(tools/setup/spark.txt tools/setup/spark/pom.xml tools/setup/spark/jars.sha256
  tools/lakehouse/loopback_only.c)

there() { stamped && [ -d "$MMS_CACHE/spark/jars" ]; }

install() {
  "$python" -m pip download -q --no-cache-dir --no-deps --no-binary pyspark --require-hashes \
    -d "$work" -r "$repo/tools/setup/spark.txt"
  mkdir spark
  tar -xzf pyspark-*.tar.gz -C spark --strip-components 2 --wildcards --exclude '*/connect-repl*' \
    --exclude '*/rocksdbjni-*' --exclude '*/kubernetes-*' '*/deps/bin' '*/deps/jars'
  rm pyspark-*.tar.gz
  maven_jars "$repo/tools/setup/spark"
  mv jars spark/delta
  gcc -O2 -Wall -Werror -shared -fPIC -o spark/loopback_only.so \
    "$repo/tools/lakehouse/loopback_only.c" -ldl
  replace "$work/spark" "$MMS_CACHE/spark"
}
