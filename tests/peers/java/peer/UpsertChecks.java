package peer;

import com.aliyun.odps.Column;
import com.aliyun.odps.Odps;
import com.aliyun.odps.PartitionSpec;
import com.aliyun.odps.data.Record;
import com.aliyun.odps.tunnel.Configuration;
import com.aliyun.odps.tunnel.TableTunnel;
import com.aliyun.odps.tunnel.TableTunnel.StreamRecordPack;
import com.aliyun.odps.tunnel.TableTunnel.StreamUploadSession;
import com.aliyun.odps.tunnel.TableTunnel.UpsertSession;
import com.aliyun.odps.tunnel.io.CompressOption.CompressAlgorithm;
import com.aliyun.odps.tunnel.streams.UpsertStream;
import com.google.gson.JsonArray;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/** Primary-key tables by upsert sessions, and rows by the stream tunnel. */
final class UpsertChecks {
  private static final int MANY = 20_000;

  private UpsertChecks() {}

  static void addTo(Suite suite) {
    suite.add("upsert_merges_by_key", UpsertChecks::merges);
    suite.add("upsert_into_a_partition", UpsertChecks::partition);
    suite.add("upsert_many_keys_over_buckets", UpsertChecks::many);
    suite.add("upsert_of_every_type", UpsertChecks::everyType);
    suite.add("upsert_abort", UpsertChecks::abort);
    suite.add("upsert_refused", UpsertChecks::refused);
    suite.add("stream_upload", UpsertChecks::stream);
  }

  private static final String PRIMARY_KEY =
      " PRIMARY KEY (k)) %s TBLPROPERTIES ('transactional'='true', 'write.bucket.num'='4');";

  private static void create(Odps odps, String table, String columns, String partitioned)
      throws Exception {
    String sql = "CREATE TABLE " + table + " (k BIGINT NOT NULL, " + columns + ",";
    Target.run(odps, sql + String.format(PRIMARY_KEY, partitioned));
  }

  private static UpsertSession open(Odps odps, String table, String partition) throws Exception {
    var builder = new TableTunnel(odps).buildUpsertSession(odps.getDefaultProject(), table);
    return builder.setPartitionSpec(partition == null ? null : new PartitionSpec(partition))
        .setCommitTimeout(30_000)
        .build();
  }

  private static void put(UpsertSession session, UpsertStream stream, boolean keep, Object... row)
      throws Exception {
    Record record = session.newRecord();
    for (int i = 0; i < row.length; i++) {
      record.set(i, row[i]);
    }
    if (keep) {
      stream.upsert(record);
    } else {
      stream.delete(record);
    }
  }

  private static String rows(Odps odps, String table) throws Exception {
    TreeSet<String> rows = new TreeSet<>();
    for (JsonArray row : Transfer.records(Transfer.download(odps, table))) {
      rows.add(row.toString());
    }
    return rows.toString();
  }

  private static void merges(Target target) throws Exception {
    Odps odps = target.odps();
    create(odps, "java_up", "v STRING", "");
    try (UpsertSession session = open(odps, "java_up", null)) {
      Expect.same("new", session.getStatus().toLowerCase(), "normal");
      UpsertStream stream = session.buildUpsertStream().build();
      put(session, stream, true, 1L, "one");
      put(session, stream, true, 2L, "two");
      put(session, stream, true, 1L, "one again");
      stream.flush();
      put(session, stream, true, 3L, null);
      stream.close();
      Expect.same("unseen before the commit", rows(odps, "java_up"), "[]");
      session.commit(false);
    }
    Expect.same(
        "rows", rows(odps, "java_up"), "[[\"1\",\"one again\"], [\"2\",\"two\"], [\"3\",null]]");
    try (UpsertSession session = open(odps, "java_up", null)) {
      UpsertStream stream = session.buildUpsertStream().build();
      put(session, stream, false, 2L, null);
      put(session, stream, true, 4L, "four");
      put(session, stream, false, 9L, null);
      stream.close();
      session.commit(false);
    }
    Expect.same(
        "then", rows(odps, "java_up"), "[[\"1\",\"one again\"], [\"3\",null], [\"4\",\"four\"]]");
    Expect.same("by SQL", Target.count(odps, "java_up"), 3L);
  }

  private static void partition(Target target) throws Exception {
    Odps odps = target.odps();
    create(odps, "java_up_part", "v STRING", "PARTITIONED BY (pt STRING)");
    Target.run(odps, "ALTER TABLE java_up_part ADD PARTITION (pt='a') PARTITION (pt='b');");
    for (String part : List.of("a", "b", "a")) {
      try (UpsertSession session = open(odps, "java_up_part", "pt='" + part + "'")) {
        UpsertStream stream = session.buildUpsertStream().build();
        put(session, stream, true, 1L, part);
        stream.close();
        session.commit(false);
      }
    }
    Expect.same("rows", Target.count(odps, "java_up_part"), 2L);
    Expect.same("of one", Target.count(odps, "java_up_part WHERE pt = 'a'"), 1L);
  }

  /** Each codec that the client has, small buffers, so that every bucket is sent to. */
  private static void many(Target target) throws Exception {
    Odps odps = target.odps();
    create(odps, "java_up_many", "v STRING", "");
    for (var algorithm : List.of(CompressAlgorithm.ODPS_ZLIB, CompressAlgorithm.ODPS_RAW)) {
      var configuration =
          Configuration.builder(odps).withCompressOptions(Transfer.option(algorithm)).build();
      var tunnel = new TableTunnel(odps, configuration);
      try (UpsertSession session =
               tunnel.buildUpsertSession(target.project(), "java_up_many").build()) {
        UpsertStream stream = session.buildUpsertStream().setSlotBufferSize(65_536).build();
        for (long i = 0; i < MANY; i++) {
          put(session, stream, true, i, algorithm + " " + i);
        }
        stream.close();
        session.commit(false);
      }
    }
    Expect.same("rows", Target.count(odps, "java_up_many"), (long) MANY);
    String last = "java_up_many WHERE v LIKE 'ODPS_RAW%'";
    Expect.same("of the last session", Target.count(odps, last), (long) MANY);
  }

  private static void everyType(Target target) throws Exception {
    Odps odps = target.odps();
    Map<String, List<Object>> values = Values.all();
    create(odps, "java_up_types", Values.columns(values), "");
    List<List<Object>> wanted = new ArrayList<>();
    try (UpsertSession session = open(odps, "java_up_types", null)) {
      UpsertStream stream = session.buildUpsertStream().build();
      for (List<Object> row : Values.rows(values)) {
        List<Object> keyed = new ArrayList<>(row);
        keyed.add(0, (long) wanted.size());
        wanted.add(keyed);
        put(session, stream, true, keyed.toArray());
      }
      stream.close();
      session.commit(false);
    }
    var download = Transfer.download(odps, "java_up_types");
    List<Column> columns = download.getSchema().getColumns();
    List<JsonArray> got = Transfer.records(download);
    got.sort((a, b) -> Long.compare(a.get(0).getAsLong(), b.get(0).getAsLong()));
    Transfer.compare(got, Transfer.texts(wanted, columns), columns);
  }

  private static void abort(Target target) throws Exception {
    Odps odps = target.odps();
    create(odps, "java_up_abort", "v STRING", "");
    try (UpsertSession session = open(odps, "java_up_abort", null)) {
      UpsertStream stream = session.buildUpsertStream().build();
      put(session, stream, true, 1L, "one");
      stream.close();
      session.abort();
      Expect.fails("", () -> session.commit(false));
    }
    Expect.same("rows", rows(odps, "java_up_abort"), "[]");
  }

  private static void refused(Target target) throws Exception {
    Odps odps = target.odps();
    Target.run(odps, "CREATE TABLE java_up_plain (k BIGINT);");
    Expect.fails("", () -> open(odps, "java_up_plain", null).close());
    Expect.refused("NoSuchTable", () -> open(odps, "java_up_nowhere", null).close());
    create(odps, "java_up_needs", "v STRING", "PARTITIONED BY (pt STRING)");
    Expect.refused("MissingPartitionSpec", () -> open(odps, "java_up_needs", null).close());
    Expect.refused("NoSuchPartition", () -> open(odps, "java_up_needs", "pt='x'").close());
  }

  private static void stream(Target target) throws Exception {
    Odps odps = target.odps();
    Target.run(odps, "CREATE TABLE java_stream (a BIGINT, s STRING) PARTITIONED BY (pt STRING);");
    TableTunnel tunnel = new TableTunnel(odps);
    StreamUploadSession session = tunnel.buildStreamUploadSession(target.project(), "java_stream")
                                      .setPartitionSpec("pt=x")
                                      .setCreatePartition(true)
                                      .build();
    StreamRecordPack pack = session.newRecordPack();
    for (long i = 0; i < 10; i++) {
      Record record = session.newRecord();
      record.set(0, i);
      record.set(1, i % 2 == 0 ? null : "s" + i);
      pack.append(record);
    }
    Expect.same("records in the pack", pack.getRecordCount(), 10L);
    pack.flush();
    Expect.same("seen at once", Target.count(odps, "java_stream"), 10L);
    pack.append(session.newRecord());
    pack.flush();
    Expect.same("and more", Target.count(odps, "java_stream WHERE pt = 'x'"), 11L);
    Expect.that("id", !session.getId().isEmpty());
    Expect.same("columns", session.getSchema().getColumns().size(), 2);
    Expect.same("types", Arrays.asList(session.getSchema().getColumn(0).getTypeInfo().toString()),
        List.of("BIGINT"));
  }
}
