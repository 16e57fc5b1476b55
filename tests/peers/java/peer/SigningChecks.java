package peer;

import com.aliyun.odps.Odps;
import com.aliyun.odps.account.Account;
import com.aliyun.odps.account.AliyunAccount;
import com.aliyun.odps.account.BearerTokenAccount;
import com.aliyun.odps.account.StsAccount;
import java.util.List;

/** Who may come in: each way of signing, and what a wrong one is told. */
final class SigningChecks {
  private static final String REGION = "cn-hangzhou";

  private SigningChecks() {}

  static void addTo(Suite suite) {
    suite.add(
        "sign_plain", t -> worksFor(t, new AliyunAccount(t.keyId(), t.secret()), "sign_plain"));
    suite.add(
        "sign_v4", t -> worksFor(t, new AliyunAccount(t.keyId(), t.secret(), REGION), "sign_v4"));
    suite.add("sign_sts", t -> worksFor(t, temporary(t, null), "sign_sts"));
    suite.add("sign_sts_v4", t -> worksFor(t, temporary(t, REGION), "sign_sts_v4"));
    suite.add("sign_bearer",
        t -> worksFor(t, new BearerTokenAccount(Target.bearerToken()), "sign_bearer"));
    suite.add("sign_wrong_secret", SigningChecks::wrongSecret);
    suite.add("sign_wrong_key_id", SigningChecks::wrongKeyId);
    suite.add("sign_wrong_tokens", SigningChecks::wrongTokens);
    suite.add("right_is_missing", SigningChecks::noRight);
  }

  private static Account temporary(Target target, String region) {
    String token = Target.securityToken();
    return new StsAccount(Target.TEMPORARY_KEY_ID, target.secret(), token, region);
  }

  /** Both planes: SQL over REST, rows through the tunnel, blanks and signs in what is signed. */
  private static void worksFor(Target target, Account account, String table) throws Exception {
    Odps odps = target.as(account);
    Target.run(odps, "CREATE TABLE " + table + " (a BIGINT) PARTITIONED BY (pt STRING);");
    String part = "pt='a b:c'";
    Target.run(odps, "ALTER TABLE " + table + " ADD PARTITION (" + part + ");");
    var spec = new com.aliyun.odps.PartitionSpec(part);
    Expect.that("partition with a blank is there", odps.tables().get(table).hasPartition(spec));
    var tunnel = new com.aliyun.odps.tunnel.TableTunnel(odps);
    var session = tunnel.createUploadSession(target.project(), table, spec, false);
    Transfer.writeRecords(session, 0, List.of(List.of(7L)), Transfer.RAW);
    session.commit(new Long[] {0L});
    Expect.same("rows", Target.count(odps, table), 1L);
  }

  private static void wrongSecret(Target target) {
    Odps odps = target.as(new AliyunAccount(target.keyId(), "wrong"));
    var error = Expect.refused("Unauthorized", () -> odps.projects().get().reload());
    Expect.same("HTTP status", error.getStatus(), 401);
    Expect.that("request id", error.getRequestId() != null);
    Expect.fails("ODPS-0410042", () -> Transfer.upload(odps, "t", false));
  }

  private static void wrongKeyId(Target target) {
    Odps odps = target.as(new AliyunAccount("nobody", target.secret()));
    Expect.refused("Unauthorized", () -> odps.projects().get().reload());
  }

  private static void wrongTokens(Target target) {
    String key = Target.TEMPORARY_KEY_ID;
    for (Account account : List.of(new AliyunAccount(key, target.secret()),
             new StsAccount(key, target.secret(), "another"), new BearerTokenAccount("another"))) {
      Expect.refused("Unauthorized", () -> target.as(account).projects().get().reload());
    }
  }

  /** Told on all three roads: REST, tunnel, SQL. */
  private static void noRight(Target target) throws Exception {
    Target.run(target.odps(), "CREATE TABLE java_private (a BIGINT);");
    Odps guest = target.as(new AliyunAccount(Target.GUEST_KEY_ID, target.secret()));
    Expect.that("may list", guest.tables().iterator().hasNext());
    var error = Expect.refused("NoPermission", () -> guest.tables().get("java_private").reload());
    Expect.same("HTTP status", error.getStatus(), 403);
    Expect.refused("NoPermission", () -> Transfer.upload(guest, "java_private", false));
    Expect.refused("NoPermission", () -> Target.run(guest, "SELECT 1 AS one;"));
  }
}
