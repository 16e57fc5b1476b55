package peer;

import com.aliyun.odps.Column;
import com.aliyun.odps.ListIterator;
import com.aliyun.odps.Odps;
import com.aliyun.odps.Table;
import com.aliyun.odps.TableFilter;
import com.aliyun.odps.TableSchema;
import com.aliyun.odps.type.TypeInfoFactory;
import com.aliyun.odps.type.TypeInfoParser;
import com.google.gson.JsonArray;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** Tables as the SDK makes, lists, describes, changes and drops them. */
final class TableChecks {
  private TableChecks() {}

  static void addTo(Suite suite) {
    suite.add("table_create_and_reload", TableChecks::createAndReload);
    suite.add("table_create_twice", TableChecks::createTwice);
    suite.add("table_extended", TableChecks::extended);
    suite.add("table_list_pages", TableChecks::listPages);
    suite.add("table_drop", TableChecks::drop);
    suite.add("table_changes", TableChecks::changes);
    suite.add("table_truncate", TableChecks::truncate);
    suite.add("table_clustered", TableChecks::clustered);
    suite.add("table_kinds", TableChecks::kinds);
  }

  private static Column column(String name, String type, String comment) {
    return new Column(name, TypeInfoParser.getTypeInfoFromTypeString(type), comment);
  }

  private static void createAndReload(Target target) throws Exception {
    Odps odps = target.odps();
    TableSchema schema = new TableSchema();
    schema.addColumn(column("ID", "bigint", "it's \"the\" key; \\ and `tick`"));
    schema.addColumn(column("select", "string", null));
    schema.addColumn(column("d", "decimal(10,2)", ""));
    schema.addColumn(column("deep", Values.DEEP, "中文 ]]> & <tag>"));
    schema.addPartitionColumn(column("pt", "string", "day"));
    schema.addPartitionColumn(column("hh", "int", null));
    odps.tables()
        .newTableCreator(target.project(), "Created_By_Java", schema)
        .withComment("a\nb 'c' ]]>")
        .withLifeCycle(7L)
        .create();
    Table table = odps.tables().get("created_by_java");
    table.reload();
    Expect.same("comment", table.getComment(), "a\nb 'c' ]]>");
    Expect.same("lifecycle", table.getLife(), 7L);
    Expect.same("project", table.getProject(), target.project());
    Expect.that("partitioned", table.isPartitioned());
    Expect.that("no view", !table.isVirtualView() && !table.isExternalTable());
    Expect.that("times", table.getCreatedTime() != null && table.getLastMetaModifiedTime() != null);
    Expect.that("owner", table.getOwner() != null && !table.getOwner().isEmpty());
    Expect.same("type", table.getType(), Table.TableType.MANAGED_TABLE);
    List<Column> columns = table.getSchema().getColumns();
    Expect.same("names", names(columns), List.of("id", "select", "d", "deep"));
    Expect.same("comment", columns.get(0).getComment(), "it's \"the\" key; \\ and `tick`");
    Expect.same("comment", columns.get(3).getComment(), "中文 ]]> & <tag>");
    for (int i = 0; i < columns.size(); i++) {
      Expect.same("type", columns.get(i).getTypeInfo(), schema.getColumn(i).getTypeInfo());
    }
    Expect.same("keys", names(table.getSchema().getPartitionColumns()), List.of("pt", "hh"));
    Expect.same(
        "key type", table.getSchema().getPartitionColumn("hh").getTypeInfo(), TypeInfoFactory.INT);
  }

  private static List<String> names(List<Column> columns) {
    return columns.stream().map(Column::getName).collect(Collectors.toList());
  }

  private static void createTwice(Target target) throws Exception {
    Odps odps = target.odps();
    TableSchema schema = TableSchema.builder().withBigintColumn("a").build();
    odps.tables().create("java_twice", schema);
    odps.tables().create("java_twice", schema, true);
    Expect.fails("already exists", () -> odps.tables().create("java_twice", schema));
  }

  private static void extended(Target target) throws Exception {
    Odps odps = target.odps();
    Target.run(odps, "CREATE TABLE java_ext (a BIGINT) TBLPROPERTIES ('x.y'='it''s');");
    Transfer.put(odps, "java_ext", List.of(List.of(1L), List.of(2L)));
    Table table = odps.tables().get("java_ext");
    Expect.same("rows", table.getRecordNum(), 2L);
    Expect.that("size", table.getSize() > 0);
    Expect.that("physical size", table.getPhysicalSize() > 0);
    Expect.that("files", table.getFileNum() >= 1);
    Expect.that("not archived", !table.isArchived());
    Expect.that("not transactional", !table.isTransactional() && !table.isDeltaTable());
    Expect.that("reserved is JSON in text", table.getReserved().startsWith("{"));
    Expect.that("metadata", table.getMetadataJson().contains("tableProperties"));
  }

  private static void listPages(Target target) throws Exception {
    Odps odps = target.odps();
    List<String> wanted = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      wanted.add("java_page_" + i);
      Target.run(odps, "CREATE TABLE java_page_" + i + " (a BIGINT);");
    }
    TableFilter filter = new TableFilter();
    filter.setName("java_page_");
    var pages = (ListIterator<Table>) odps.tables().iterator(filter);
    List<String> seen = new ArrayList<>();
    int count = 0;
    for (List<Table> page = pages.list(null, 2); page != null; page = pages.list(null, 2)) {
      Expect.that("at most 2 a page: " + page.size(), page.size() <= 2);
      page.forEach(table -> seen.add(table.getName()));
      count++;
    }
    Expect.same("tables", seen, wanted);
    Expect.same("the last marker", pages.getMarker(), "");
    Expect.same("pages", count, 3);
    List<String> all = new ArrayList<>();
    odps.tables().iterable().forEach(table -> all.add(table.getName()));
    Expect.that("without a filter: " + all, all.containsAll(wanted));
  }

  private static void drop(Target target) throws Exception {
    Odps odps = target.odps();
    Target.run(odps, "CREATE TABLE java_drop (a BIGINT);");
    Transfer.put(odps, "java_drop", List.of(List.of(1L)));
    odps.tables().delete("java_drop");
    Expect.that("gone", !odps.tables().exists("java_drop"));
    odps.tables().delete("java_drop", true);
    Expect.fails("ODPS-0130131", () -> odps.tables().delete("java_drop"));
    Target.run(odps, "CREATE TABLE java_drop (a BIGINT);");
    Expect.same("rows of the new one", Target.count(odps, "java_drop"), 0L);
  }

  private static void changes(Target target) throws Exception {
    Odps odps = target.odps();
    Target.run(odps, "CREATE TABLE java_alter (a BIGINT, b STRING);");
    Transfer.put(odps, "java_alter", List.of(List.of(1L, "x")));
    Table table = odps.tables().get("java_alter");
    table.addColumns(List.of(column("c", "decimal(5,1)", "new")), true);
    table.changeComment("it's \"changed\"");
    table.setLifeCycle(9);
    table.touch();
    table.changeColumnName("b", "bb");
    table.reload();
    Expect.same("columns", names(table.getSchema().getColumns()), List.of("a", "bb", "c"));
    Expect.same("comment", table.getComment(), "it's \"changed\"");
    Expect.same("lifecycle", table.getLife(), 9L);
    List<JsonArray> rows = Transfer.records(Transfer.download(odps, "java_alter"));
    Expect.same("old row", rows.get(0).toString(), "[\"1\",\"x\",null]");
    table.rename("java_altered");
    Expect.that("new name", odps.tables().exists("java_altered"));
    Expect.that("old name", !odps.tables().exists("java_alter"));
    Expect.same("rows", Target.count(odps, "java_altered"), 1L);
  }

  private static void truncate(Target target) throws Exception {
    Odps odps = target.odps();
    Target.run(odps, "CREATE TABLE java_truncate (a BIGINT);");
    Transfer.put(odps, "java_truncate", List.of(List.of(1L)));
    odps.tables().get("java_truncate").truncate();
    Expect.same("rows", Target.count(odps, "java_truncate"), 0L);
  }

  private static void kinds(Target target) throws Exception {
    Odps odps = target.odps();
    TableSchema schema =
        TableSchema.builder()
            .withColumn(Column.newBuilder("k", TypeInfoFactory.BIGINT).notNull().build())
            .withStringColumn("v")
            .build();
    odps.tables()
        .newTableCreator("java_pk", schema)
        .deltaTable()
        .withPrimaryKeys(List.of("k"))
        .withDeltaTableBucketNum(4)
        .create();
    Table pk = odps.tables().get("java_pk");
    Expect.same("key", pk.getPrimaryKey(), List.of("k"));
    Expect.that("transactional", pk.isTransactional() && pk.isDeltaTable());
    Expect.that("key is not nullable", !pk.getSchema().getColumn("k").isNullable());
    odps.tables().newTableCreator("java_append2", schema).append2Table().create();
    Table append = odps.tables().get("java_append2");
    Expect.that("transactional", append.isTransactional());
    odps.tables().newTableCreator("java_acid", schema).transactionTable().create();
    Expect.that("transactional", odps.tables().get("java_acid").isTransactional());
  }

  private static void clustered(Target target) throws Exception {
    Odps odps = target.odps();
    for (String kind : List.of("hash", "range")) {
      String name = "java_clustered_" + kind;
      String by = (kind.equals("range") ? "RANGE " : "") + "CLUSTERED BY (a) SORTED BY (a DESC)";
      Target.run(
          odps, "CREATE TABLE " + name + " (a BIGINT, b STRING) " + by + " INTO 16 BUCKETS;");
      Table.ClusterInfo got = odps.tables().get(name).getClusterInfo();
      Expect.that("cluster info of " + name, got != null);
      Expect.same("type", got.getClusterType(), kind);
      Expect.same("columns", got.getClusterCols(), List.of("a"));
      Expect.same("buckets", got.getBucketNum(), 16L);
      Expect.same("order", got.getSortCols().toString(), "[a DESC]");
      Transfer.put(odps, name, List.of(List.of(1L, "x")));
      Expect.same("rows", Target.count(odps, name), 1L);
    }
  }
}
