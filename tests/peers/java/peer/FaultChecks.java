package peer;

import com.aliyun.odps.Odps;
import com.aliyun.odps.tunnel.TableTunnel;
import com.aliyun.odps.tunnel.TableTunnel.DownloadSession;
import com.aliyun.odps.tunnel.TableTunnel.UploadSession;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A service on a bad day: tests/peers/java_faults.py strikes calls on the tables named here. What
 * the SDK repeats by itself must end as if nothing had been; what it gives up must be an error, and
 * the table must hold all rows of a commit or none.
 */
final class FaultChecks {
  private static final int ROWS = 2_000;
  private static final String PREFIX = "java_fault_";

  private FaultChecks() {}

  static void addTo(Suite suite) {
    for (String fault : List.of("429", "503")) {
      suite.add("fault_create_" + fault, target -> repeated(target, "create_" + fault));
      suite.add("fault_commit_" + fault, target -> repeated(target, "commit_" + fault));
      suite.add("fault_fetch_" + fault, target -> givenUp(target, "fetch_" + fault));
      suite.add("fault_download_" + fault, target -> read(target, "download_" + fault));
    }
    for (String fault : List.of("429", "500", "cut", "lost")) {
      suite.add("fault_block_" + fault, target -> block(target, "block_" + fault));
    }
    suite.add("fault_commit_lost", FaultChecks::lostCommit);
    for (String fault : List.of("429", "503", "cut")) {
      suite.add("fault_read_" + fault, target -> read(target, "read_" + fault));
    }
    suite.add("fault_download_initiating", FaultChecks::initiating);
  }

  private static List<List<Object>> rows() {
    List<List<Object>> rows = new ArrayList<>();
    for (long i = 0; i < ROWS; i++) {
      rows.add(List.of(i, "text of row " + i));
    }
    return rows;
  }

  private static Odps withTable(Target target, String name) throws Exception {
    Odps odps = target.odps();
    Target.run(odps, "CREATE TABLE " + PREFIX + name + " (a BIGINT, s STRING);");
    return odps;
  }

  /** All rows once, or none. */
  private static void expectRows(Odps odps, String name, long wanted) throws Exception {
    String sql = "SELECT COUNT(*), COUNT(DISTINCT a) FROM " + PREFIX + name + ";";
    var row = Target.rows(odps, sql).get(0);
    Expect.same("rows", row.getString(0), String.valueOf(wanted));
    Expect.same("different ones", row.getString(1), String.valueOf(wanted));
  }

  /** The SDK asks again by itself. */
  private static void repeated(Target target, String name) throws Exception {
    Odps odps = withTable(target, name);
    UploadSession session = Transfer.upload(odps, PREFIX + name, false);
    Transfer.writeRecords(session, 0, rows(), Transfer.RAW);
    Expect.same("blocks", Arrays.asList(session.getBlockList()), List.of(0L));
    expectRows(odps, name, 0);
    session.commit(new Long[] {0L});
    expectRows(odps, name, ROWS);
  }

  /** The SDK hands the refusal on when it asks for a session's blocks, and may be asked again. */
  private static void givenUp(Target target, String name) throws Exception {
    Odps odps = withTable(target, name);
    UploadSession session = Transfer.upload(odps, PREFIX + name, false);
    Transfer.writeRecords(session, 0, rows(), Transfer.RAW);
    Expect.refused(codeOf(name), session::getBlockList);
    Expect.same("blocks", Arrays.asList(session.getBlockList()), List.of(0L));
    session.commit(new Long[] {0L});
    expectRows(odps, name, ROWS);
  }

  private static String codeOf(String name) {
    return name.endsWith("429") ? "FlowExceeded" : "ServiceUnavailable";
  }

  /** A block's rows are streamed and gone: the SDK reports, and its user writes the block again. */
  private static void block(Target target, String name) throws Exception {
    Odps odps = withTable(target, name);
    UploadSession session = Transfer.upload(odps, PREFIX + name, false);
    Expect.fails("", () -> Transfer.writeRecords(session, 0, rows(), Transfer.RAW));
    boolean arrived = name.endsWith("lost");
    Expect.same("blocks", session.getBlockList().length, arrived ? 1 : 0);
    Transfer.writeRecords(session, 0, rows(), Transfer.RAW);
    session.commit(new Long[] {0L});
    expectRows(odps, name, ROWS);
  }

  /** The SDK cannot know that the commit was done; a second one is refused. */
  private static void lostCommit(Target target) throws Exception {
    String name = "commit_lost";
    Odps odps = withTable(target, name);
    UploadSession session = Transfer.upload(odps, PREFIX + name, false);
    Transfer.writeRecords(session, 0, rows(), Transfer.RAW);
    Expect.fails("", () -> session.commit(new Long[] {0L}));
    expectRows(odps, name, ROWS);
    Expect.fails("StatusConflict", () -> session.commit(new Long[] {0L}));
    expectRows(odps, name, ROWS);
  }

  /**
   * The SDK hands on the refusal of a session, and repeats a read, also from where it was cut: all
   * rows, each once.
   */
  private static void read(Target target, String name) throws Exception {
    Odps odps = withTable(target, name);
    Transfer.put(odps, PREFIX + name, rows());
    if (name.startsWith("download")) {
      Expect.refused(codeOf(name), () -> Transfer.download(odps, PREFIX + name));
    }
    DownloadSession session = Transfer.download(odps, PREFIX + name);
    Expect.same("rows", session.getRecordCount(), (long) ROWS);
    List<String> ids = new ArrayList<>();
    Transfer.records(session).forEach(row -> ids.add(row.get(0).getAsString()));
    List<String> wanted = new ArrayList<>();
    rows().forEach(row -> wanted.add(row.get(0).toString()));
    Expect.same("rows", ids, wanted);
  }

  private static void initiating(Target target) throws Exception {
    String name = "download_initiating";
    Odps odps = withTable(target, name);
    Transfer.put(odps, PREFIX + name, rows());
    for (boolean async : List.of(true, false)) {
      long begun = System.nanoTime();
      DownloadSession session = new TableTunnel(odps)
                                    .buildDownloadSession(target.project(), PREFIX + name)
                                    .setAsyncMode(async)
                                    .build();
      Expect.that("waited", System.nanoTime() - begun > 500_000_000L);
      Expect.same("rows", session.getRecordCount(), (long) ROWS);
      Expect.same("read", Transfer.records(session).size(), ROWS);
    }
  }
}
