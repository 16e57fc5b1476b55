# The Java judge: odps-sdk-core and what it needs, as jars. tests/peers/java/pom.xml names the
# versions, Maven fetches them by this machine's own settings, jars.sha256 says what must arrive. To
# renew it after a change of versions: empty it and take the list that the failed step prints.
title='Java peer (odps-sdk-core)'
remedy='check that Maven can reach its repository (mvn dependency:resolve in tests/peers/java)'
pins=(tests/peers/java/pom.xml tests/peers/java/jars.sha256)

there() { stamped && [ -d "$MMS_CACHE/java-peer/jars" ]; }

install() {
  # Java has its own list of authorities; a proxy's that only the machine's bundle has is missing
  # there, while every other client of this set-up goes by the bundle.
  local bundle=${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt} trust=()
  if [ -r "$bundle" ]; then
    java "$setup/TrustStore.java" "$bundle" trust.p12 changeit
    trust=(-Djavax.net.ssl.trustStore="$work/trust.p12" -Djavax.net.ssl.trustStorePassword=changeit)
  fi
  cp "$repo/tests/peers/java/pom.xml" pom.xml
  mvn -q -B "${trust[@]}" org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies \
    -DincludeScope=runtime -DoutputDirectory="$work/jars"
  (cd jars && sha256sum -- *.jar) >arrived
  diff "$repo/tests/peers/java/jars.sha256" arrived
  replace "$work/jars" "$MMS_CACHE/java-peer/jars"
}
