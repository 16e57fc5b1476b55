package peer;

import com.aliyun.odps.Odps;
import com.aliyun.odps.TableSchema;
import com.aliyun.odps.data.Record;
import com.aliyun.odps.data.RecordPack;
import com.aliyun.odps.data.RecordWriter;
import com.aliyun.odps.tunnel.TableTunnel;
import com.aliyun.odps.tunnel.TableTunnel.DownloadStatus;
import com.aliyun.odps.tunnel.TableTunnel.UploadSession;
import com.aliyun.odps.tunnel.TableTunnel.UploadStatus;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/** Upload and download sessions: states, blocks, overwrite and append, refusals. */
final class SessionChecks {
  private SessionChecks() {}

  static void addTo(Suite suite) {
    suite.add("session_states", SessionChecks::states);
    suite.add("session_append_and_overwrite", SessionChecks::appendAndOverwrite);
    suite.add("session_overwrite_of_one_partition", SessionChecks::overwritePartition);
    suite.add("session_invisible_before_commit", SessionChecks::invisible);
    suite.add("session_block_replaced_by_its_id", SessionChecks::replaced);
    suite.add("session_commit_of_other_blocks", SessionChecks::otherBlocks);
    suite.add("session_second_commit", SessionChecks::secondCommit);
    suite.add("session_without_blocks", SessionChecks::withoutBlocks);
    suite.add("session_reopened_by_id", SessionChecks::reopened);
    suite.add("session_unknown", SessionChecks::unknown);
    suite.add("session_bad_block_id", SessionChecks::badBlock);
    suite.add("session_records_and_arrow_mixed", SessionChecks::mixed);
    suite.add("session_record_packs", SessionChecks::packs);
    suite.add("session_buffered_writer", SessionChecks::buffered);
    suite.add("session_wrong_row_range", SessionChecks::rowRange);
    suite.add("session_download_async", SessionChecks::async);
    suite.add("session_download_of_changed_data", SessionChecks::changedData);
    suite.add("session_schema", SessionChecks::schema);
  }

  private static Odps withTable(Target target, String name) throws Exception {
    Odps odps = target.odps();
    Target.run(odps, "CREATE TABLE " + name + " (a BIGINT);");
    return odps;
  }

  private static void block(UploadSession session, long block, Long... values) throws Exception {
    List<List<Object>> rows =
        Arrays.stream(values).map(value -> List.<Object>of(value)).collect(Collectors.toList());
    Transfer.writeRecords(session, block, rows, Transfer.RAW);
  }

  private static List<String> values(Odps odps, String table) throws Exception {
    return Transfer.records(Transfer.download(odps, table))
        .stream()
        .map(row -> row.get(0).getAsString())
        .collect(Collectors.toList());
  }

  private static void states(Target target) throws Exception {
    Odps odps = withTable(target, "java_states");
    UploadSession session = Transfer.upload(odps, "java_states", false);
    Expect.same("new", session.getStatus(), UploadStatus.NORMAL);
    Expect.same("blocks", session.getBlockList().length, 0);
    block(session, 3, 1L);
    block(session, 0, 2L);
    Expect.same("blocks", Arrays.asList(session.getBlockList()), List.of(0L, 3L));
    session.commit(new Long[] {3L, 0L});
    Expect.same("committed", session.getStatus(), UploadStatus.CLOSED);
    var download = Transfer.download(odps, "java_states");
    Expect.same("download", download.getStatus(), DownloadStatus.NORMAL);
  }

  private static void appendAndOverwrite(Target target) throws Exception {
    Odps odps = withTable(target, "java_over");
    for (long i = 1; i <= 2; i++) {
      UploadSession session = Transfer.upload(odps, "java_over", false);
      block(session, 0, i);
      session.commit(new Long[] {0L});
    }
    Expect.same("appended", values(odps, "java_over"), List.of("1", "2"));
    UploadSession session = Transfer.upload(odps, "java_over", true);
    block(session, 0, 3L);
    session.commit(new Long[] {0L});
    Expect.same("replaced", values(odps, "java_over"), List.of("3"));
    Transfer.upload(odps, "java_over", true).commit(new Long[0]);
    Expect.same("emptied", values(odps, "java_over"), List.of());
  }

  private static void overwritePartition(Target target) throws Exception {
    Odps odps = target.odps();
    Target.run(odps, "CREATE TABLE java_over_p (a BIGINT) PARTITIONED BY (pt STRING);");
    Target.run(odps, "ALTER TABLE java_over_p ADD PARTITION (pt='1') PARTITION (pt='2');");
    TableTunnel tunnel = new TableTunnel(odps);
    for (String value : List.of("1", "2", "1")) {
      var spec = new com.aliyun.odps.PartitionSpec("pt='" + value + "'");
      var session = tunnel.createUploadSession(target.project(), "java_over_p", spec, true);
      block(session, 0, 1L, 2L);
      session.commit(new Long[] {0L});
    }
    Expect.same("rows", Target.count(odps, "java_over_p"), 4L);
  }

  private static void invisible(Target target) throws Exception {
    Odps odps = withTable(target, "java_unseen");
    UploadSession session = Transfer.upload(odps, "java_unseen", false);
    block(session, 0, 1L);
    Expect.same("tunnel", values(odps, "java_unseen"), List.of());
    Expect.same("SQL", Target.count(odps, "java_unseen"), 0L);
    session.commit(new Long[] {0L});
    Expect.same("then", values(odps, "java_unseen"), List.of("1"));
  }

  private static void replaced(Target target) throws Exception {
    Odps odps = withTable(target, "java_replaced");
    UploadSession session = Transfer.upload(odps, "java_replaced", false);
    block(session, 7, 1L, 1L, 1L);
    block(session, 7, 2L);
    Expect.same("blocks", Arrays.asList(session.getBlockList()), List.of(7L));
    session.commit(new Long[] {7L});
    Expect.same("rows", values(odps, "java_replaced"), List.of("2"));
  }

  private static void otherBlocks(Target target) throws Exception {
    Odps odps = withTable(target, "java_others");
    UploadSession session = Transfer.upload(odps, "java_others", false);
    block(session, 0, 1L);
    Expect.fails("Blocks not match", () -> session.commit(new Long[] {0L, 1L}));
    Expect.fails("Block not exsits", () -> session.commit(new Long[] {1L}));
    Expect.same("still open", session.getStatus(), UploadStatus.NORMAL);
    session.commit(new Long[] {0L});
  }

  private static void secondCommit(Target target) throws Exception {
    Odps odps = withTable(target, "java_second");
    UploadSession session = Transfer.upload(odps, "java_second", false);
    block(session, 0, 1L);
    session.commit();
    Expect.refused("StatusConflict", session::commit);
    Expect.same("state", session.getStatus(), UploadStatus.CLOSED);
    Expect.fails("StatusConflict", () -> block(session, 1, 2L));
    Expect.same("rows", values(odps, "java_second"), List.of("1"));
  }

  private static void withoutBlocks(Target target) throws Exception {
    Odps odps = withTable(target, "java_none");
    Transfer.upload(odps, "java_none", false).commit(new Long[0]);
    Expect.same("rows", values(odps, "java_none"), List.of());
  }

  private static void reopened(Target target) throws Exception {
    Odps odps = withTable(target, "java_reopened");
    UploadSession first = Transfer.upload(odps, "java_reopened", false);
    block(first, 0, 1L);
    TableTunnel tunnel = new TableTunnel(target.odps());
    UploadSession second =
        tunnel.getUploadSession(target.project(), "java_reopened", first.getId());
    block(second, 1, 2L);
    second.commit(new Long[] {0L, 1L});
    Expect.same("the first sees it", first.getStatus(), UploadStatus.CLOSED);
    var download = Transfer.download(odps, "java_reopened");
    var again = tunnel.getDownloadSession(target.project(), "java_reopened", download.getId());
    Expect.same("rows", again.getRecordCount(), 2L);
  }

  private static void unknown(Target target) throws Exception {
    Odps odps = withTable(target, "java_lost");
    TableTunnel tunnel = new TableTunnel(odps);
    Expect.refused("NoSuchUpload",
        () -> tunnel.getUploadSession(target.project(), "java_lost", "no-such-upload"));
    Expect.refused("NoSuchDownload",
        () -> tunnel.getDownloadSession(target.project(), "java_lost", "no-such-download"));
  }

  private static void badBlock(Target target) throws Exception {
    Odps odps = withTable(target, "java_bad_block");
    UploadSession session = Transfer.upload(odps, "java_bad_block", false);
    Expect.fails("InvalidBlockID", () -> block(session, 20_000, 1L));
    Expect.fails("InvalidBlockID", () -> block(session, -1, 1L));
    block(session, 19_999, 1L);
    session.commit(new Long[] {19_999L});
    Expect.same("rows", values(odps, "java_bad_block"), List.of("1"));
  }

  private static void mixed(Target target) throws Exception {
    Odps odps = withTable(target, "java_mixed");
    UploadSession session = Transfer.upload(odps, "java_mixed", false);
    block(session, 0, 1L);
    Transfer.writeArrow(session, 1, List.of(List.of(2L)), Transfer.RAW);
    session.commit(new Long[] {0L, 1L});
    Expect.same("rows", values(odps, "java_mixed"), List.of("1", "2"));
  }

  private static void packs(Target target) throws Exception {
    Odps odps = withTable(target, "java_packs");
    UploadSession session = Transfer.upload(odps, "java_packs", false);
    RecordPack pack = session.newRecordPack(Transfer.RAW);
    Record record = session.newRecord();
    for (long i = 0; i < 3; i++) {
      record.set(0, i);
      pack.append(record);
    }
    session.writeBlock(0, pack);
    session.writeBlock(0, pack, 0, 2); // a later version of the same block
    session.commit(new Long[] {0L});
    Expect.same("rows", values(odps, "java_packs"), List.of("0", "1", "2"));
  }

  private static void buffered(Target target) throws Exception {
    Odps odps = withTable(target, "java_buffered");
    UploadSession session = Transfer.upload(odps, "java_buffered", false);
    for (boolean compress : new boolean[] {false, true}) {
      RecordWriter writer = session.openBufferedWriter(compress);
      for (long i = 0; i < 1000; i++) {
        Record record = session.newRecord();
        record.set(0, i);
        writer.write(record);
      }
      writer.close();
    }
    session.commit();
    Expect.same("rows", Target.count(odps, "java_buffered"), 2000L);
  }

  private static void rowRange(Target target) throws Exception {
    Odps odps = withTable(target, "java_range");
    Transfer.put(odps, "java_range", List.of(List.of(1L), List.of(2L)));
    var download = Transfer.download(odps, "java_range");
    Expect.refused("InvalidRowRange", () -> download.openArrowRecordReader(3, 1).read());
    Expect.refused("InvalidRowRange", () -> download.openArrowRecordReader(-1, 1).read());
  }

  private static void async(Target target) throws Exception {
    Odps odps = withTable(target, "java_async");
    Transfer.put(odps, "java_async", List.of(List.of(1L)));
    var download = new TableTunnel(odps)
                       .buildDownloadSession(target.project(), "java_async")
                       .setAsyncMode(true)
                       .build();
    Expect.same("rows", download.getRecordCount(), 1L);
    Expect.same("state", download.getStatus(), DownloadStatus.NORMAL);
  }

  private static void changedData(Target target) throws Exception {
    Odps odps = withTable(target, "java_version");
    Transfer.put(odps, "java_version", List.of(List.of(1L)));
    var before = Transfer.download(odps, "java_version");
    Transfer.put(odps, "java_version", List.of(List.of(2L)));
    Expect.refused("TableModified", () -> Transfer.arrow(before));
    Expect.same("a new session", values(odps, "java_version"), List.of("1", "2"));
  }

  private static void schema(Target target) throws Exception {
    Odps odps = target.odps();
    Target.run(odps,
        "CREATE TABLE java_schema (" + Values.columns(Values.all())
            + ") PARTITIONED BY (pt STRING, n INT);");
    var spec = new com.aliyun.odps.PartitionSpec("pt='a',n='1'");
    odps.tables().get("java_schema").createPartition(spec);
    TableSchema wanted = odps.tables().get("java_schema").getSchema();
    TableSchema got = new TableTunnel(odps)
                          .createUploadSession(target.project(), "java_schema", spec, false)
                          .getSchema();
    List<String> keys = new ArrayList<>();
    got.getPartitionColumns().forEach(column -> keys.add(column.getName()));
    Expect.same("keys", keys, List.of("pt", "n"));
    for (int i = 0; i < wanted.getColumns().size(); i++) {
      Expect.same("type", got.getColumn(i).getTypeInfo(), wanted.getColumn(i).getTypeInfo());
      Expect.same("name", got.getColumn(i).getName(), wanted.getColumn(i).getName());
    }
  }
}
