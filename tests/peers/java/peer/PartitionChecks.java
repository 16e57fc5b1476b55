package peer;

import com.aliyun.odps.Odps;
import com.aliyun.odps.Partition;
import com.aliyun.odps.PartitionSpec;
import com.aliyun.odps.Table;
import com.aliyun.odps.tunnel.TableTunnel;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;

/** Partitions: made, listed in pages, filled, described, dropped; specs in every form. */
final class PartitionChecks {
  private PartitionChecks() {}

  static void addTo(Suite suite) {
    suite.add("partition_create_and_get", PartitionChecks::createAndGet);
    suite.add("partition_list_pages", PartitionChecks::listPages);
    suite.add("partition_drop", PartitionChecks::drop);
    suite.add("partition_spec_forms", PartitionChecks::specForms);
    suite.add("partition_six_levels", PartitionChecks::sixLevels);
    suite.add("partition_unknown", PartitionChecks::unknown);
  }

  private static Table table(Odps odps, String name) throws Exception {
    Target.run(odps, "CREATE TABLE " + name + " (a BIGINT) PARTITIONED BY (pt STRING, hh INT);");
    return odps.tables().get(name);
  }

  private static void put(Odps odps, String table, PartitionSpec spec, long value)
      throws Exception {
    var session =
        new TableTunnel(odps).createUploadSession(odps.getDefaultProject(), table, spec, false);
    Transfer.writeRecords(session, 0, List.of(List.of(value)), Transfer.RAW);
    session.commit(new Long[] {0L});
  }

  private static void createAndGet(Target target) throws Exception {
    Odps odps = target.odps();
    Table table = table(odps, "java_parts");
    PartitionSpec spec = new PartitionSpec("pt='2026-01-01',hh='1'");
    table.createPartition(spec);
    table.createPartition(spec, true);
    Expect.fails("", () -> table.createPartition(spec));
    Expect.that("there", table.hasPartition(spec));
    Expect.that("another", !table.hasPartition(new PartitionSpec("pt='2026-01-01',hh='2'")));
    put(odps, "java_parts", spec, 5);
    Partition partition = table.getPartition(spec);
    partition.reload();
    Expect.same("rows", partition.getRecordNum(), 1L);
    Expect.that("size", partition.getSize() > 0);
    Expect.that("created", partition.getCreatedTime() != null);
    Expect.that("modified", partition.getLastDataModifiedTime() != null);
    Expect.that("files", partition.getFileNum() >= 1);
    Expect.that("physical size", partition.getPhysicalSize() > 0);
    Expect.that("not archived", !partition.isArchived());
  }

  private static void listPages(Target target) throws Exception {
    Odps odps = target.odps();
    Table table = table(odps, "java_part_list");
    StringBuilder sql = new StringBuilder("ALTER TABLE java_part_list ADD IF NOT EXISTS");
    for (int i = 0; i < 7; i++) {
      sql.append(" PARTITION (pt='p").append(i % 2).append("', hh='").append(i).append("')");
    }
    Target.run(odps, sql + ";");
    put(odps, "java_part_list", new PartitionSpec("pt='p0',hh='0'"), 3);
    Expect.same(
        "in pages of 2", specs(table.getPartitionIterator(null, false, 2L, null)).size(), 7);
    Expect.same("limited", specs(table.getPartitionIterator(null, false, 2L, 3L)).size(), 3);
    Expect.same("of one day", specs(table.getPartitionIterator(new PartitionSpec("pt='p1'"))),
        List.of("pt='p1',hh='1'", "pt='p1',hh='3'", "pt='p1',hh='5'"));
    Partition first = table.getPartitions().get(0);
    Expect.same("first", first.getPartitionSpec().toString(), "pt='p0',hh='0'");
    Expect.same("its rows in the list", first.getRecordNum(), 1L);
    Expect.same("specs alone", table.getPartitionSpecs().size(), 7);
  }

  private static List<String> specs(Iterator<Partition> partitions) {
    List<String> specs = new ArrayList<>();
    partitions.forEachRemaining(partition -> specs.add(partition.getPartitionSpec().toString()));
    return specs;
  }

  private static void drop(Target target) throws Exception {
    Odps odps = target.odps();
    Table table = table(odps, "java_part_drop");
    PartitionSpec spec = new PartitionSpec("pt='x',hh='1'");
    table.createPartition(spec);
    put(odps, "java_part_drop", spec, 1);
    table.deletePartition(spec);
    Expect.that("gone", !table.hasPartition(spec));
    table.deletePartition(spec, true);
    Expect.fails("", () -> table.deletePartition(spec));
    Expect.same("rows", Target.count(odps, "java_part_drop"), 0L);
  }

  private static void specForms(Target target) throws Exception {
    Odps odps = target.odps();
    Table table = table(odps, "java_spec");
    table.createPartition(new PartitionSpec("pt=plain,hh=1"));
    table.createPartition(new PartitionSpec("pt='slash'/hh='2'"));
    table.createPartition(new PartitionSpec("pt=\"double\"/hh=3"));
    Target.run(odps, "ALTER TABLE java_spec ADD PARTITION (pt='a b:c#d.e', hh=4);");
    List<String> wanted = List.of(
        "pt='a b:c#d.e',hh='4'", "pt='double',hh='3'", "pt='plain',hh='1'", "pt='slash',hh='2'");
    Expect.same("partitions", specs(table.getPartitionIterator()), wanted);
    for (String spec : wanted) {
      put(odps, "java_spec", new PartitionSpec(spec), 1);
      var session = new TableTunnel(odps)
                        .buildDownloadSession(target.project(), "java_spec")
                        .setPartitionSpec(new PartitionSpec(spec))
                        .build();
      Expect.same("rows of " + spec, session.getRecordCount(), 1L);
    }
  }

  private static void sixLevels(Target target) throws Exception {
    Odps odps = target.odps();
    Target.run(odps,
        "CREATE TABLE java_six (a BIGINT) PARTITIONED BY (p1 STRING, p2 TINYINT, p3 SMALLINT,"
            + " p4 INT, p5 BIGINT, p6 STRING);");
    PartitionSpec spec = new PartitionSpec("p1=x,p2=1,p3=2,p4=3,p5=4,p6=y");
    odps.tables().get("java_six").createPartition(spec);
    put(odps, "java_six", spec, 9);
    Expect.same("rows", Target.count(odps, "java_six WHERE p5 = 4 AND p6 = 'y'"), 1L);
    String seven = "p1 STRING, p2 STRING, p3 STRING, p4 STRING, p5 STRING, p6 STRING, p7 STRING";
    Expect.fails("ODPS-",
        ()
            -> Target.run(
                odps, "CREATE TABLE java_seven (a BIGINT) PARTITIONED BY (" + seven + ");"));
  }

  private static void unknown(Target target) throws Exception {
    Odps odps = target.odps();
    Table table = table(odps, "java_part_unknown");
    PartitionSpec spec = new PartitionSpec("pt='none',hh='1'");
    Expect.refused("NoSuchPartition", () -> table.getPartition(spec).reload());
    TableTunnel tunnel = new TableTunnel(odps);
    Expect.refused("NoSuchPartition",
        () -> tunnel.createUploadSession(target.project(), "java_part_unknown", spec, false));
    Expect.refused("MissingPartitionSpec", () -> Transfer.upload(odps, "java_part_unknown", false));
    Target.run(odps, "CREATE TABLE java_flat (a BIGINT);");
    Expect.refused("InvalidPartitionSpec",
        () -> tunnel.createUploadSession(target.project(), "java_flat", spec, false));
  }
}
