package peer;

import com.aliyun.odps.Instance;
import com.aliyun.odps.Odps;
import com.aliyun.odps.OdpsException;
import com.aliyun.odps.account.Account;
import com.aliyun.odps.account.AliyunAccount;
import com.aliyun.odps.data.Record;
import com.aliyun.odps.task.SQLTask;
import java.util.List;
import java.util.Map;

/**
 * The service under test and how its users reach it: endpoint, key, project, all from outside. The
 * clients made here are the SDK's own, with nothing changed but the type flags of the project.
 * Besides the key there are three users (tests/peers/java_peer.py): one with a temporary key and
 * one with a bearer token own the project, a guest may only list.
 */
record Target(String endpoint, String mappedEndpoint, String project, String keyId, String secret) {
  static final Map<String, String> TYPE_FLAGS =
      Map.of("odps.sql.type.system.odps2", "true", "odps.sql.decimal.odps2", "true");
  private static final long POLL_MS = 100;

  static final String TEMPORARY_KEY_ID = "temporary";
  static final String GUEST_KEY_ID = "guest";

  static String securityToken() {
    return System.getenv("PEER_TEST_STS_TOKEN");
  }

  static String bearerToken() {
    return System.getenv("PEER_TEST_BEARER_TOKEN");
  }

  Odps odps() {
    return as(new AliyunAccount(keyId, secret));
  }

  Odps as(Account account) {
    return at(endpoint, account);
  }

  /** A client that reaches the service through another address of it. */
  Odps mapped() {
    return at(mappedEndpoint, new AliyunAccount(keyId, secret));
  }

  private Odps at(String address, Account account) {
    Odps odps = new Odps(account);
    odps.setEndpoint(address + "/api");
    odps.setDefaultProject(project);
    odps.setGlobalSettings(TYPE_FLAGS);
    return odps;
  }

  static Instance run(Odps odps, String sql) throws OdpsException {
    Instance instance = SQLTask.run(odps, sql);
    instance.waitForSuccess(POLL_MS);
    return instance;
  }

  static Instance run(Odps odps, String sql, Map<String, String> hints) throws OdpsException {
    Instance instance = SQLTask.run(odps, odps.getDefaultProject(), sql, hints, null);
    instance.waitForSuccess(POLL_MS);
    return instance;
  }

  /** The rows of a query through the CSV result: every value is text. */
  static List<Record> rows(Odps odps, String sql) throws OdpsException {
    return SQLTask.getResult(run(odps, sql));
  }

  static long count(Odps odps, String table) throws OdpsException {
    return Long.parseLong(
        rows(odps, "SELECT COUNT(*) AS n FROM " + table + ";").get(0).getString(0));
  }
}
