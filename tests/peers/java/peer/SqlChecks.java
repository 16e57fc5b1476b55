package peer;

import com.aliyun.odps.Instance;
import com.aliyun.odps.Instance.TaskStatus;
import com.aliyun.odps.InstanceFilter;
import com.aliyun.odps.Odps;
import com.aliyun.odps.OdpsException;
import com.aliyun.odps.data.Record;
import com.aliyun.odps.task.SQLTask;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** SQL instances: submitted, polled, read, failed, cancelled, described. */
final class SqlChecks {
  private static final String TASK = "AnonymousSQLTask";

  private SqlChecks() {}

  static void addTo(Suite suite) {
    suite.add("sql_submit_and_wait", SqlChecks::submitAndWait);
    suite.add("sql_wait_with_default_polling", SqlChecks::defaultPolling);
    suite.add("sql_result_csv", SqlChecks::csv);
    suite.add("sql_query_text_through_xml", SqlChecks::textThroughXml);
    suite.add("sql_task_name", SqlChecks::taskName);
    suite.add("sql_settings", SqlChecks::settings);
    suite.add("sql_failure_text", SqlChecks::failureText);
    suite.add("sql_cancel", SqlChecks::cancel);
    suite.add("sql_summary_and_progress", SqlChecks::summary);
    suite.add("sql_source", SqlChecks::source);
    suite.add("sql_instance_list", SqlChecks::instanceList);
    suite.add("sql_unknown_instance", SqlChecks::unknownInstance);
    suite.add("sql_text_results", SqlChecks::textResults);
    suite.add("sql_insert_and_partitions", SqlChecks::insert);
  }

  private static void submitAndWait(Target target) throws Exception {
    Odps odps = target.odps();
    Instance instance = SQLTask.run(odps, "SELECT 1 AS one;");
    Expect.that("not synchronous", !instance.isSync());
    Expect.that("an id", !instance.getId().isEmpty());
    Instance.Status first = instance.getStatus();
    Expect.same("first status", first, Instance.Status.RUNNING);
    instance.waitForSuccess(50);
    Expect.same("status", instance.getStatus(), Instance.Status.TERMINATED);
    Expect.that("successful", instance.isSuccessful());
    TaskStatus task = instance.getTaskStatus().get(TASK);
    Expect.same("task status", task.getStatus(), TaskStatus.Status.SUCCESS);
    Expect.same("task type", task.getType(), "SQL");
    Expect.that("owner", instance.getOwner() != null);
    Expect.that("start", instance.getStartTime() != null);
    Expect.that("end", instance.getEndTime() != null);
    Expect.that("end after start", !instance.getEndTime().before(instance.getStartTime()));
  }

  private static void defaultPolling(Target target) throws Exception {
    Instance instance = SQLTask.run(target.odps(), "SELECT 1 AS one;");
    instance.waitForSuccess();
    Instance blocking = SQLTask.run(target.odps(), "SELECT 2 AS two;");
    Expect.that("its result", blocking.waitForTerminatedAndGetResult().getString().contains("2"));
  }

  private static void csv(Target target) throws Exception {
    Odps odps = target.odps();
    Target.run(odps, "CREATE TABLE java_csv (a BIGINT, s STRING, d DOUBLE, b BOOLEAN, t DATE);");
    List<Object> row = Arrays.asList(1L, "q\"uo,te\nline 中", 0.5, true, null);
    Transfer.put(odps, "java_csv", List.of(row, Arrays.asList(null, "", null, null, null)));
    Instance instance = Target.run(odps, "SELECT * FROM java_csv;");
    List<Record> rows = SQLTask.getResult(instance);
    Expect.same("rows", rows.size(), 2);
    List<String> names = new ArrayList<>();
    for (var column : rows.get(0).getColumns()) {
      names.add(column.getName());
    }
    Expect.same("header", names, List.of("a", "s", "d", "b", "t"));
    Expect.same("bigint", rows.get(0).getString(0), "1");
    Expect.same("string", rows.get(0).getString(1), "q\"uo,te\nline 中");
    Expect.same("double", rows.get(0).getString(2), "0.5");
    Expect.same("boolean", rows.get(0).getString(3), "true");
    Expect.same("NULL", rows.get(0).getString(4), "\\N");
    Expect.same("empty", rows.get(1).getString(1), "");
    Expect.same("format", instance.getTaskResultsWithFormat().get(TASK).getFormat(), "csv");
    List<Record> unnamed = Target.rows(odps, "SELECT 1, COUNT(*) FROM java_csv;");
    Expect.same("unnamed column", unnamed.get(0).getColumns()[1].getName(), "_c1");
  }

  private static void textThroughXml(Target target) throws Exception {
    String text = "a<b>&amp;\"c\" ]]> 中文 \t é";
    String sql = "SELECT  \n '" + text + "' AS t -- a < comment\n;";
    Expect.same("value", Target.rows(target.odps(), sql).get(0).getString(0), text);
    String escapes = "SELECT 'it\\'s', \"dou\\\"ble\", 'a' 'b', 'x\\\\y\\n';";
    Record row = Target.rows(target.odps(), escapes).get(0);
    Expect.same("escaped quote", row.getString(0), "it's");
    Expect.same("double quotes", row.getString(1), "dou\"ble");
    Expect.same("neighbours join", row.getString(2), "ab");
    Expect.same("backslashes", row.getString(3), "x\\y\n");
  }

  private static void taskName(Target target) throws Exception {
    Odps odps = target.odps();
    Instance instance =
        SQLTask.run(odps, target.project(), "SELECT 7 AS n;", "my_own_task", null, null);
    instance.waitForSuccess(50);
    Expect.same("names", List.copyOf(instance.getTaskNames()), List.of("my_own_task"));
    Expect.same("result", SQLTask.getResult(instance, "my_own_task").get(0).getString(0), "7");
  }

  private static void settings(Target target) throws Exception {
    Odps odps = target.odps();
    Map<String, String> hints =
        Map.of("odps.sql.allow.fullscan", "true", "odps.sql.timezone", "UTC", "un.known", "é\"'");
    Target.run(odps, "SET odps.sql.type.system.odps2=true;\nSELECT 1 AS one;", hints);
    SQLTask task = new SQLTask();
    task.setName("with_json_types");
    task.setQuery("SELECT 1 AS one;");
    task.setProperty("settings", "{\"odps.sql.allow.fullscan\":true,\"odps.sql.x\":7}");
    Instance instance = odps.instances().create(task);
    instance.waitForSuccess(50);
    Expect.that("successful", instance.isSuccessful());
  }

  private static void failureText(Target target) throws Exception {
    Odps odps = target.odps();
    Instance instance = SQLTask.run(odps, "SELECT * FROM no_such_table;");
    Expect.fails("FAILED: ODPS-0130131:", () -> instance.waitForSuccess(50));
    Expect.that("ended, not successful", instance.isTerminated() && !instance.isSuccessful());
    TaskStatus.Status status = instance.getTaskStatus().get(TASK).getStatus();
    Expect.same("task status", status, TaskStatus.Status.FAILED);
    Expect.that("names it", instance.getTaskResults().get(TASK).contains("no_such_table"));
    Expect.fails("ODPS-0130161:[1,8]", () -> Target.run(odps, "SELECT FROM x;"));
    Expect.fails("ODPS-0130071", () -> Target.run(odps, "SELECT no_such_function(1);"));
    Expect.fails("ODPS-0130161", () -> Target.run(odps, "DELIVER THE GOODS;"));
  }

  /** A query of some seconds, so that the cancel does not come too late. */
  private static void cancel(Target target) throws Exception {
    Odps odps = target.odps();
    Target.run(odps, "CREATE TABLE java_cancel (s STRING);");
    List<List<Object>> rows = new ArrayList<>();
    for (int i = 0; i < 20_000; i++) {
      rows.add(List.of("row " + i));
    }
    Transfer.put(odps, "java_cancel", rows);
    String slow = "SHA2(".repeat(60) + "s"
        + ", 512)".repeat(60);
    Instance instance = SQLTask.run(odps, "SELECT MAX(" + slow + ") AS m FROM java_cancel;");
    instance.stop();
    instance.waitForTerminated(50, false);
    TaskStatus.Status status = instance.getTaskStatus().get(TASK).getStatus();
    Expect.same("task status", status, TaskStatus.Status.CANCELLED);
    Expect.that("not successful", !instance.isSuccessful());
    Expect.fails("CANCELLED", () -> instance.waitForSuccess(50));
    Instance ended = Target.run(odps, "SELECT 1 AS one;");
    Expect.refused("InvalidStateSetting", ended::stop);
  }

  private static void summary(Target target) throws Exception {
    Instance instance = Target.run(target.odps(), "SELECT 1 AS one;");
    Expect.that("summary", instance.getTaskSummary(TASK) != null);
    Expect.that("progress", instance.getTaskProgress(TASK) != null);
    Expect.that("detail", instance.getTaskDetailJson(TASK).startsWith("{"));
    Expect.same("warnings", SQLTask.getSqlWarning(instance), null);
  }

  private static void source(Target target) throws Exception {
    String sql = "SELECT '<&>' AS t;";
    Instance instance = Target.run(target.odps(), sql);
    Expect.same("tasks", instance.getTasks().size(), 1);
    SQLTask task = (SQLTask) instance.getTasks().get(0);
    Expect.same("query", task.getQuery().trim(), sql);
    Expect.same("name", task.getName(), TASK);
    Expect.that("settings", task.getProperties().get("settings").contains("odps2"));
    Expect.same("priority", instance.getPriority(), 9);
  }

  private static void instanceList(Target target) throws Exception {
    Odps odps = target.odps();
    Instance instance = Target.run(odps, "SELECT 1 AS one;");
    InstanceFilter filter = new InstanceFilter();
    filter.setStatus(Instance.Status.TERMINATED);
    filter.setOnlyOwner(true);
    List<String> ids = new ArrayList<>();
    odps.instances().iterator(filter).forEachRemaining(one -> ids.add(one.getId()));
    Expect.that("in the list", ids.contains(instance.getId()));
    Expect.that("exists", odps.instances().exists(instance.getId()));
  }

  private static void unknownInstance(Target target) throws OdpsException {
    Odps odps = target.odps();
    Expect.that("does not exist", !odps.instances().exists("20260101000000000gnone"));
    Expect.refused("NoSuchObject", () -> odps.instances().get("20260101000000000gnone").reload());
  }

  private static void textResults(Target target) throws Exception {
    Odps odps = target.odps();
    Target.run(odps, "CREATE TABLE java_show (a BIGINT COMMENT 'x') PARTITIONED BY (pt STRING);");
    Target.run(odps, "ALTER TABLE java_show ADD PARTITION (pt='1') PARTITION (pt='2');");
    Instance show = Target.run(odps, "SHOW PARTITIONS java_show;");
    Expect.same("partitions", show.getTaskResults().get(TASK).trim(), "pt=1\npt=2");
    Expect.same("format", show.getTaskResultsWithFormat().get(TASK).getFormat(), "text");
    String tables = Target.run(odps, "SHOW TABLES LIKE 'java_sho*';").getTaskResults().get(TASK);
    Expect.that("tables: " + tables, tables.contains(":java_show"));
    String created = Target.run(odps, "SHOW CREATE TABLE java_show;").getTaskResults().get(TASK);
    Expect.that("DDL: " + created, created.contains("PARTITIONED BY"));
    String described = Target.run(odps, "DESC java_show;").getTaskResults().get(TASK);
    Expect.that("description: " + described, described.contains("bigint"));
    Instance ddl = Target.run(odps, "DROP TABLE java_show;");
    Expect.same("of DDL", ddl.getTaskResults().get(TASK), "");
  }

  private static void insert(Target target) throws Exception {
    Odps odps = target.odps();
    Target.run(odps, "CREATE TABLE java_from (a BIGINT, day STRING);");
    Target.run(odps, "INSERT INTO java_from VALUES (1,'x'),(2,'x'),(3,'y'),(NULL,'y');");
    Target.run(odps, "CREATE TABLE java_into (a BIGINT) PARTITIONED BY (pt STRING);");
    Target.run(
        odps, "INSERT OVERWRITE TABLE java_into PARTITION (pt) SELECT a, day FROM java_from;");
    Expect.same("partitions", odps.tables().get("java_into").getPartitions().size(), 2);
    Target.run(odps, "INSERT OVERWRITE TABLE java_into PARTITION (pt='x') SELECT 9;");
    Target.run(odps, "INSERT INTO java_into PARTITION (pt='y') SELECT 8;");
    String sql = "SELECT pt, COUNT(*), SUM(a) FROM java_into GROUP BY pt ORDER BY pt LIMIT 10;";
    List<String> seen = new ArrayList<>();
    for (Record row : Target.rows(odps, sql)) {
      seen.add(row.getString(0) + " " + row.getString(1) + " " + row.getString(2));
    }
    Expect.same("rows", seen, List.of("x 1 9", "y 3 11"));
  }
}
