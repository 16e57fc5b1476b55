package peer;

import com.aliyun.odps.Instance;
import com.aliyun.odps.LogView;
import com.aliyun.odps.NoSuchObjectException;
import com.aliyun.odps.Odps;
import com.aliyun.odps.OdpsException;
import com.aliyun.odps.Project;
import com.aliyun.odps.Schema;
import com.aliyun.odps.account.AliyunAccount;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** What stands around tables: project, tenant, schemas, discovery, LogView, errors. */
final class ProjectChecks {
  private static final Map<String, String> THREE_TIER =
      Map.of("odps.namespace.schema", "true", "odps.sql.allow.namespace.schema", "true");

  private ProjectChecks() {}

  static void addTo(Suite suite) {
    suite.add("project_document", ProjectChecks::project);
    suite.add("project_unknown", ProjectChecks::unknownProject);
    suite.add("tenant", ProjectChecks::tenant);
    suite.add("usage_report", ProjectChecks::usageReport);
    suite.add("logview", ProjectChecks::logView);
    suite.add("discovery_behind_a_port_mapping", ProjectChecks::discovery);
    suite.add("error_has_code_and_request_id", ProjectChecks::errors);
    suite.add("schemas", ProjectChecks::schemas);
    suite.add("schema_tables", ProjectChecks::schemaTables);
  }

  private static void project(Target target) throws Exception {
    Project project = target.odps().projects().get();
    project.reload();
    Expect.same("name", project.getName(), target.project());
    Expect.same("status", project.getStatus(), Project.Status.AVAILABLE);
    Expect.that("owner", project.getOwner() != null && !project.getOwner().isEmpty());
    Expect.that("created", project.getCreatedTime() != null);
    Expect.that("modified", project.getLastModifiedTime() != null);
    Expect.same("types", project.getProperty("odps.sql.type.system.odps2"), "true");
    Expect.that("all properties", !project.getAllProperties().isEmpty());
    Expect.that("exists", target.odps().projects().exists(target.project()));
  }

  private static void unknownProject(Target target) throws Exception {
    Odps odps = target.odps();
    Expect.that("is not there", !odps.projects().exists("nowhere"));
    odps.setDefaultProject("nowhere");
    Expect.refused("NoSuchProject", () -> odps.projects().get().reload());
    Expect.fails("'nowhere'", () -> Transfer.upload(odps, "t", false));
  }

  private static void tenant(Target target) throws OdpsException {
    String schemas = target.odps().tenant().getProperty("odps.namespace.schema");
    Expect.that("true or false: " + schemas, "true".equals(schemas) || "false".equals(schemas));
  }

  private static void usageReport(Target target) throws OdpsException {
    var rest = target.odps().getRestClient();
    String logs = "/projects/" + target.project() + "/logs";
    var answer = rest.stringRequest(logs, "PUT", null, null, "{\"a.b\":1}");
    Expect.that("accepted", answer.isOK());
  }

  private static void logView(Target target) throws OdpsException {
    Odps odps = target.odps();
    Instance instance = Target.run(odps, "SELECT 1 AS one;");
    LogView view = odps.logview();
    String url = view.generateLogView(instance, 2);
    Expect.that("the service's own host: " + url, !url.contains("logview.aliyun.com"));
    Expect.that("instance: " + url, url.contains("&i=" + instance.getId()));
    Expect.that("token: " + url, url.matches(".*&token=.+"));
  }

  /** The tunnel's address is the one by which this client came, and it works. */
  private static void discovery(Target target) throws Exception {
    Odps odps = target.mapped();
    Expect.same("address", odps.projects().get().getTunnelEndpoint(), target.mappedEndpoint());
    Target.run(odps, "CREATE TABLE mapped (a BIGINT);");
    Transfer.put(odps, "mapped", List.of(List.of(1L), List.of(2L)));
    Expect.same("rows", Transfer.records(Transfer.download(odps, "mapped")).size(), 2);
  }

  private static void errors(Target target) throws Exception {
    Odps odps = target.odps();
    var error = Expect.refused("NoSuchTable", () -> odps.tables().get("nowhere").reload());
    Expect.that("its class: " + error.getClass(), error instanceof NoSuchObjectException);
    Expect.that("request id", error.getRequestId() != null && !error.getRequestId().isEmpty());
    var tunnel = Expect.refused("NoSuchTable", () -> Transfer.upload(odps, "nowhere", false));
    Expect.same("HTTP status", tunnel.getStatus(), 404);
    Expect.that("request id", tunnel.getRequestId() != null && !tunnel.getRequestId().isEmpty());
    Expect.that("its text: " + tunnel, tunnel.getMessage().contains("nowhere"));
    Odps elsewhere = new Odps(new AliyunAccount(target.keyId(), target.secret()));
    elsewhere.setEndpoint(target.endpoint() + "/no/such/prefix");
    elsewhere.setDefaultProject(target.project());
    Expect.fails("", () -> elsewhere.projects().get().reload());
  }

  private static void schemas(Target target) throws Exception {
    Odps odps = target.odps();
    Expect.that("not yet", !odps.schemas().exists("java_s1"));
    odps.schemas().create("java_s1");
    Expect.that("there", odps.schemas().exists("java_s1"));
    List<String> names = new ArrayList<>();
    for (Schema schema : odps.schemas().iterable()) {
      names.add(schema.getName());
    }
    Expect.that("listed: " + names, names.contains("java_s1") && names.contains("default"));
    Schema schema = odps.schemas().get("java_s1");
    schema.reload();
    Expect.that("owner", schema.getOwner() != null);
    odps.schemas().delete("java_s1");
    Expect.that("gone", !odps.schemas().exists("java_s1"));
  }

  private static void schemaTables(Target target) throws Exception {
    Odps odps = target.odps();
    odps.schemas().create("java_s2");
    odps.setCurrentSchema("java_s2");
    var schema = com.aliyun.odps.TableSchema.builder().withBigintColumn("a").build();
    odps.tables().newTableCreator("same_name", schema).create();
    Target.run(target.odps(), "CREATE TABLE same_name (b STRING);");
    odps.tables().get("same_name").reload();
    Expect.same("column", odps.tables().get("same_name").getSchema().getColumn(0).getName(), "a");
    var other = target.odps().tables().get("same_name").getSchema();
    Expect.same("column of the other", other.getColumn(0).getName(), "b");
    Transfer.put(odps, "same_name", List.of(List.of(5L)));
    Expect.same("rows", Transfer.records(Transfer.download(odps, "same_name")).size(), 1);
    var rows = Target.run(target.odps(), "SELECT a FROM java_s2.same_name;", THREE_TIER);
    var results = com.aliyun.odps.task.SQLTask.getResult(rows);
    Expect.same("by SQL", results.get(0).getString(0), "5");
    Expect.same("in the default schema", Target.count(target.odps(), "same_name"), 0L);
    odps.tables().delete("same_name");
    Expect.that("dropped", !odps.tables().exists("same_name"));
    Expect.that("the other stays", target.odps().tables().exists("same_name"));
  }
}
