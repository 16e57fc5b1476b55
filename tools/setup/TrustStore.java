import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;

/** Writes the certificates of a PEM bundle as a store that Java trusts: BUNDLE STORE PASSWORD. */
public final class TrustStore {
  private TrustStore() {}

  public static void main(String[] args) throws Exception {
    char[] password = args[2].toCharArray();
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, password);
    try (InputStream bundle = new FileInputStream(args[0])) {
      for (Certificate one : CertificateFactory.getInstance("X.509").generateCertificates(bundle)) {
        store.setCertificateEntry("authority-" + store.size(), one);
      }
    }
    try (OutputStream out = new FileOutputStream(args[1])) {
      store.store(out, password);
    }
    System.out.println(store.size() + " authorities");
  }
}
