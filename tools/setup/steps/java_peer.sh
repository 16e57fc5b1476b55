# The Java judge: odps-sdk-core and what it needs, as jars. tests/peers/java/pom.xml names the
# versions, Maven fetches them by this machine's own settings, jars.sha256 says what must arrive. To
# renew it after a change of versions: empty it and take the list that the failed step prints.
title='Java peer (odps-sdk-core)'
remedy='check that Maven can reach its repository (mvn dependency:resolve in tests/peers/java)'
pins=(tests/peers/java/pom.xml tests/peers/java/jars.sha256)

there() { stamped && [ -d "$MMS_CACHE/java-peer/jars" ]; }

install() {
  cp "$repo/tests/peers/java/pom.xml" pom.xml
  mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies \
    -DincludeScope=runtime -DoutputDirectory="$work/jars"
  (cd jars && sha256sum -- *.jar) >arrived
  diff "$repo/tests/peers/java/jars.sha256" arrived
  replace "$work/jars" "$MMS_CACHE/java-peer/jars"
}
