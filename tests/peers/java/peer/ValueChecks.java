package peer;

import com.aliyun.odps.Column;
import com.aliyun.odps.Odps;
import com.aliyun.odps.data.ArrowRecordReader;
import com.aliyun.odps.data.ArrowRecordWriter;
import com.aliyun.odps.tunnel.TableTunnel.DownloadSession;
import com.aliyun.odps.tunnel.TableTunnel.UploadSession;
import com.google.gson.JsonArray;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.apache.arrow.vector.VectorSchemaRoot;

/** Every type with its edges and NULLs, up and down in both forms; ranges, columns, much data. */
final class ValueChecks {
  private static final int MANY = 150_000;

  private ValueChecks() {}

  static void addTo(Suite suite) {
    suite.add("values_records_up", t -> roundTrip(t, "java_v_records", Values.all(), true, true));
    suite.add("values_arrow_up", t -> roundTrip(t, "java_v_arrow", Values.all(), false, true));
    suite.add(
        "instants_records_up", t -> roundTrip(t, "java_i_rec", Values.nearInstants(), true, true));
    suite.add("instants_year_1_and_9999",
        t -> roundTrip(t, "java_i_far", Values.farInstants(), true, false));
    suite.add(
        "instants_arrow_up", t -> roundTrip(t, "java_i_arrow", Values.nearInstants(), false, true));
    suite.add("values_json", ValueChecks::json);
    suite.add("values_not_null_column", ValueChecks::notNull);
    suite.add("bigint_minimum_is_refused_by_the_client", ValueChecks::bigintMinimum);
    suite.add("range_and_columns_of_records", ValueChecks::recordRanges);
    suite.add("range_and_columns_of_arrow", ValueChecks::arrowRanges);
    suite.add("large_records", t -> large(t, "java_l_records", true));
    suite.add("large_arrow", t -> large(t, "java_l_arrow", false));
    suite.add("arrow_many_batches_in_a_block", ValueChecks::batches);
    suite.add("arrow_block_without_rows", ValueChecks::emptyBlocks);
  }

  /** Written in one form, read as records and, where it can hold the values, as Arrow. */
  private static void roundTrip(Target target, String table, Map<String, List<Object>> values,
      boolean records, boolean arrow) throws Exception {
    Odps odps = target.odps();
    Target.run(odps, "CREATE TABLE " + table + " (" + Values.columns(values) + ");");
    List<List<Object>> rows = Values.rows(values);
    UploadSession upload = Transfer.upload(odps, table, false);
    if (records) {
      Transfer.writeRecords(upload, 0, rows, Transfer.RAW);
    } else {
      Transfer.writeArrow(upload, 0, rows, Transfer.RAW);
    }
    upload.commit(new Long[] {0L});
    DownloadSession download = Transfer.download(odps, table);
    List<Column> columns = download.getSchema().getColumns();
    List<JsonArray> wanted = Transfer.texts(rows, columns);
    Transfer.compare(Transfer.records(download), wanted, columns);
    if (arrow) {
      Transfer.compare(Transfer.arrow(download), wanted, columns);
    }
  }

  private static void json(Target target) throws Exception {
    Odps odps = target.odps();
    Target.run(
        odps, "CREATE TABLE java_json (j JSON);", Map.of("odps.sql.type.json.enable", "true"));
    String text = "{\"a\": [1, null, \"é\"]}";
    Transfer.put(odps, "java_json",
        List.of(
            List.of(new com.aliyun.odps.data.SimpleJsonValue(text)), Arrays.asList((Object) null)));
    DownloadSession download = Transfer.download(odps, "java_json");
    for (var rows : List.of(Transfer.records(download), Transfer.arrow(download))) {
      var parsed = com.google.gson.JsonParser.parseString(rows.get(0).get(0).getAsString());
      Expect.same("value", parsed, com.google.gson.JsonParser.parseString(text));
      Expect.that("NULL", rows.get(1).get(0).isJsonNull());
    }
  }

  private static void notNull(Target target) throws Exception {
    Odps odps = target.odps();
    Target.run(odps, "CREATE TABLE java_not_null (k BIGINT NOT NULL, v STRING);");
    Transfer.put(odps, "java_not_null", List.of(Arrays.asList(1L, null)));
    DownloadSession download = Transfer.download(odps, "java_not_null");
    Expect.that("k is not nullable", !download.getSchema().getColumn("k").isNullable());
    Expect.same("records", Transfer.records(download).toString(), "[[\"1\",null]]");
    Expect.same("arrow", Transfer.arrow(download).toString(), "[[\"1\",null]]");
    Expect.fails("", () -> Transfer.put(odps, "java_not_null", List.of(Arrays.asList(null, "x"))));
  }

  /** Not the service: the SDK takes no record with -2^63, while Arrow carries it. */
  private static void bigintMinimum(Target target) throws Exception {
    Odps odps = target.odps();
    Target.run(odps, "CREATE TABLE java_min (a BIGINT);");
    List<List<Object>> rows = List.of(List.of(Long.MIN_VALUE));
    Expect.fails("Bigint out of range", () -> Transfer.put(odps, "java_min", rows));
    UploadSession upload = Transfer.upload(odps, "java_min", true);
    Transfer.writeArrow(upload, 0, rows, Transfer.RAW);
    upload.commit(new Long[] {0L});
    DownloadSession download = Transfer.download(odps, "java_min");
    Expect.same("arrow", Transfer.arrow(download).toString(), "[[\"" + Long.MIN_VALUE + "\"]]");
    Expect.fails("Bigint out of range", () -> Transfer.records(download));
  }

  private static List<List<Object>> numbered(long first, int count) {
    List<List<Object>> rows = new ArrayList<>(count);
    for (long i = first; i < first + count; i++) {
      rows.add(Arrays.asList(i, i % 7 == 0 ? null : "s" + i, i % 5 == 0 ? null : i / 2.0));
    }
    return rows;
  }

  private static DownloadSession threeBlocks(Odps odps, String table, boolean records)
      throws Exception {
    Target.run(odps, "CREATE TABLE " + table + " (a BIGINT, s STRING, d DOUBLE);");
    UploadSession upload = Transfer.upload(odps, table, false);
    for (int block = 0; block < 3; block++) {
      var rows = numbered(block * (MANY / 3), MANY / 3);
      if (records) {
        Transfer.writeRecords(upload, block, rows, Transfer.RAW);
      } else {
        Transfer.writeArrow(upload, block, rows, Transfer.RAW);
      }
    }
    upload.commit(new Long[] {0L, 1L, 2L});
    return Transfer.download(odps, table);
  }

  private static void large(Target target, String table, boolean records) throws Exception {
    Odps odps = target.odps();
    DownloadSession download = threeBlocks(odps, table, records);
    Expect.same("count", download.getRecordCount(), (long) MANY);
    List<Column> columns = download.getSchema().getColumns();
    List<JsonArray> wanted = Transfer.texts(numbered(0, MANY), columns);
    Transfer.compare(Transfer.arrow(download), wanted, columns);
    Transfer.compare(Transfer.records(download), wanted, columns);
    Expect.same("by SQL", Target.count(odps, table), (long) MANY);
  }

  private static void recordRanges(Target target) throws Exception {
    DownloadSession download = threeBlocks(target.odps(), "java_r_records", true);
    List<Column> all = download.getSchema().getColumns();
    List<Column> some = List.of(all.get(0), all.get(2));
    for (long start : new long[] {0, 49_999, 99_998, MANY - 3}) {
      List<JsonArray> rows = Transfer.records(download, start, 3, some, Transfer.RAW);
      List<List<Object>> wanted = numbered(start, 3);
      wanted.replaceAll(row -> Arrays.asList(row.get(0), row.get(2)));
      Transfer.compare(rows, Transfer.texts(wanted, some), some);
    }
    Expect.same("nothing", Transfer.records(download, 5, 0, null, Transfer.RAW).size(), 0);
    List<Column> turned = List.of(all.get(2), all.get(0));
    var row = Transfer.records(download, 1, 1, turned, Transfer.RAW).get(0);
    Expect.same("in the order asked for", row.get(1).getAsString(), "1");
  }

  private static void arrowRanges(Target target) throws Exception {
    DownloadSession download = threeBlocks(target.odps(), "java_r_arrow", false);
    List<Column> all = download.getSchema().getColumns();
    List<Column> one = List.of(all.get(1));
    List<JsonArray> rows = Transfer.arrow(download, 49_990, 60_020, one, Transfer.RAW);
    List<List<Object>> wanted = numbered(49_990, 60_020);
    wanted.replaceAll(row -> Arrays.asList(row.get(1)));
    Transfer.compare(rows, Transfer.texts(wanted, one), one);
    List<Column> ends = List.of(all.get(0), all.get(2));
    rows = Transfer.arrow(download, MANY - 1, 1, ends, Transfer.RAW);
    Expect.same("the last", rows.get(0).get(0).getAsString(), String.valueOf(MANY - 1));
  }

  private static void batches(Target target) throws Exception {
    Odps odps = target.odps();
    Target.run(odps, "CREATE TABLE java_batches (a BIGINT, s STRING, d DOUBLE);");
    UploadSession upload = Transfer.upload(odps, "java_batches", false);
    List<Column> columns = upload.getSchema().getColumns();
    try (ArrowRecordWriter writer = upload.openArrowRecordWriter(0)) {
      for (int i = 0; i < 40; i++) {
        int count = i % 3 == 0 ? 0 : i; // a batch without rows among them
        try (var batch =
                 ArrowValues.batch(upload.getArrowSchema(), columns, numbered(1000 * i, count))) {
          writer.write(batch);
        }
      }
    }
    upload.commit(new Long[] {0L});
    DownloadSession download = Transfer.download(odps, "java_batches");
    List<List<Object>> rows = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      rows.addAll(numbered(1000 * i, i % 3 == 0 ? 0 : i));
    }
    Transfer.compare(Transfer.arrow(download), Transfer.texts(rows, columns), columns);
  }

  /** The SDK sends an empty body when nothing was written, and ten bytes for no record. */
  private static void emptyBlocks(Target target) throws Exception {
    Odps odps = target.odps();
    Target.run(odps, "CREATE TABLE java_empty (a BIGINT);");
    UploadSession upload = Transfer.upload(odps, "java_empty", false);
    upload.openArrowRecordWriter(0).close();
    Transfer.writeRecords(upload, 1, List.of(), Transfer.RAW);
    Transfer.writeArrow(upload, 2, List.of(), Transfer.RAW);
    upload.commit(new Long[] {0L, 1L, 2L});
    DownloadSession download = Transfer.download(odps, "java_empty");
    Expect.same("count", download.getRecordCount(), 0L);
    Expect.same("records", Transfer.records(download).size(), 0);
    try (ArrowRecordReader reader = download.openArrowRecordReader(0, 0)) {
      VectorSchemaRoot batch = reader.read();
      Expect.that("no rows", batch == null || batch.getRowCount() == 0);
    }
  }
}
