package peer;

import com.aliyun.odps.Column;
import com.aliyun.odps.Instance;
import com.aliyun.odps.Odps;
import com.aliyun.odps.data.RecordReader;
import com.aliyun.odps.data.ResultSet;
import com.aliyun.odps.task.SQLTask;
import com.aliyun.odps.tunnel.InstanceTunnel;
import com.aliyun.odps.tunnel.InstanceTunnel.DownloadSession;
import com.aliyun.odps.tunnel.io.CompressOption.CompressAlgorithm;
import com.google.gson.JsonArray;
import java.util.ArrayList;
import java.util.List;

/** Query results by the instance tunnel: typed, whole, in ranges; limited by the flag. */
final class InstanceTunnelChecks {
  private static final int ROWS = 12_345;
  private static final int LIMIT = 10_000;

  private InstanceTunnelChecks() {}

  static void addTo(Suite suite) {
    suite.add("instance_tunnel_types", InstanceTunnelChecks::types);
    suite.add("instance_tunnel_ranges_and_columns", InstanceTunnelChecks::ranges);
    suite.add("instance_tunnel_limit_flag", InstanceTunnelChecks::limit);
    suite.add("instance_tunnel_codecs", InstanceTunnelChecks::codecs);
    suite.add("instance_tunnel_result_set", InstanceTunnelChecks::resultSet);
    suite.add("instance_tunnel_of_no_select", InstanceTunnelChecks::noSelect);
  }

  private static Instance many(Odps odps, String table) throws Exception {
    Target.run(odps, "CREATE TABLE " + table + " (a BIGINT, s STRING);");
    List<List<Object>> rows = new ArrayList<>();
    for (long i = 0; i < ROWS; i++) {
      rows.add(List.of(i, "s" + i));
    }
    Transfer.put(odps, table, rows);
    return Target.run(odps, "SELECT a, s FROM " + table + " ORDER BY a LIMIT 100000;");
  }

  private static DownloadSession open(Odps odps, Instance instance, boolean limit)
      throws Exception {
    var tunnel = new InstanceTunnel(odps);
    return tunnel.createDownloadSession(odps.getDefaultProject(), instance.getId(), limit);
  }

  private static void types(Target target) throws Exception {
    Odps odps = target.odps();
    var values = Values.all();
    Target.run(odps, "CREATE TABLE java_it (" + Values.columns(values) + ");");
    Transfer.put(odps, "java_it", Values.rows(values));
    var session = open(odps, Target.run(odps, "SELECT * FROM java_it;"), false);
    List<Column> columns = odps.tables().get("java_it").getSchema().getColumns();
    List<Column> typed = session.getSchema().getColumns();
    List<String> wanted = new ArrayList<>();
    List<String> got = new ArrayList<>();
    columns.forEach(column -> wanted.add(column.getTypeInfo().getTypeName()));
    typed.forEach(column -> got.add(column.getTypeInfo().getTypeName()));
    Expect.same("types", got, wanted);
    var rows = Transfer.texts(session.openRecordReader(0, session.getRecordCount()), typed);
    Transfer.compare(rows, Transfer.texts(Values.rows(values), columns), columns);
  }

  private static void ranges(Target target) throws Exception {
    Odps odps = target.odps();
    var session = open(odps, many(odps, "java_it_range"), false);
    Expect.same("rows", session.getRecordCount(), (long) ROWS);
    var reader = session.openRecordReader(9_999, 3, Transfer.RAW);
    List<JsonArray> rows = Transfer.texts(reader, session.getSchema().getColumns());
    Expect.same("range", rows.toString(),
        "[[\"9999\",\"s9999\"], [\"10000\",\"s10000\"], [\"10001\",\"s10001\"]]");
    List<Column> one = List.of(session.getSchema().getColumn("s"));
    RecordReader narrow = session.openRecordReader(5, 2, Transfer.RAW, one);
    Expect.same("column", Transfer.texts(narrow, one).toString(), "[[\"s5\"], [\"s6\"]]");
  }

  private static void limit(Target target) throws Exception {
    Odps odps = target.odps();
    Instance instance = many(odps, "java_it_limit");
    Expect.same("without", open(odps, instance, false).getRecordCount(), (long) ROWS);
    var limited = open(odps, instance, true);
    Expect.same("with", limited.getRecordCount(), (long) LIMIT);
    var reader = limited.openRecordReader(0, LIMIT);
    Expect.same("read", Transfer.texts(reader, limited.getSchema().getColumns()).size(), LIMIT);
  }

  private static void codecs(Target target) throws Exception {
    Odps odps = target.odps();
    var session = open(odps, many(odps, "java_it_codec"), false);
    for (var algorithm : List.of(CompressAlgorithm.ODPS_RAW, CompressAlgorithm.ODPS_ZLIB,
             CompressAlgorithm.ODPS_SNAPPY, CompressAlgorithm.ODPS_LZ4_FRAME)) {
      var reader = session.openRecordReader(0, ROWS, Transfer.option(algorithm));
      var rows = Transfer.texts(reader, session.getSchema().getColumns());
      Expect.same("rows by " + algorithm, rows.size(), ROWS);
      Expect.same("the last", rows.get(ROWS - 1).get(1).getAsString(), "s" + (ROWS - 1));
    }
  }

  private static void resultSet(Target target) throws Exception {
    Odps odps = target.odps();
    Instance instance = many(odps, "java_it_set");
    ResultSet results = SQLTask.getResultSet(instance);
    Expect.same("count", results.getRecordCount(), (long) ROWS);
    long sum = 0;
    while (results.hasNext()) {
      sum += results.next().getBigint(0);
    }
    Expect.same("sum", sum, (long) ROWS * (ROWS - 1) / 2);
    Expect.same("few", SQLTask.getResultByInstanceTunnel(instance, 3L).size(), 3);
    Instance empty = Target.run(odps, "SELECT a FROM java_it_set WHERE a < 0;");
    Expect.same("none", SQLTask.getResultByInstanceTunnel(empty).size(), 0);
  }

  private static void noSelect(Target target) throws Exception {
    Odps odps = target.odps();
    Instance ddl = Target.run(odps, "CREATE TABLE java_it_ddl (a BIGINT);");
    Expect.refused("InstanceTypeNotSupported", () -> open(odps, ddl, false));
    Instance show = Target.run(odps, "SHOW TABLES;");
    Expect.refused("InstanceTypeNotSupported", () -> open(odps, show, false));
    Instance failed = SQLTask.run(odps, "SELECT * FROM no_such_table;");
    failed.waitForTerminated(50, false);
    Expect.refused("TaskFailed", () -> open(odps, failed, false));
  }
}
