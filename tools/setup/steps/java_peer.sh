# The Java judge: odps-sdk-core and what it needs, as jars. tests/peers/java/pom.xml names the
# versions.
title='Java peer (odps-sdk-core)'
remedy='check that Maven can reach its repository (mvn dependency:resolve in tests/peers/java)'
pins=(tests/peers/java/pom.xml tests/peers/java/jars.sha256)

there() { stamped && [ -d "$MMS_CACHE/java-peer/jars" ]; }

install() {
  maven_jars "$repo/tests/peers/java"
  replace "$work/jars" "$MMS_CACHE/java-peer/jars"
}
