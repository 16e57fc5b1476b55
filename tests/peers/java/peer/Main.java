package peer;

import com.aliyun.odps.Column;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * odps-sdk-core as a judge of a MaxCompute service:
 *
 * <pre>
 *   check ENDPOINT MAPPED_ENDPOINT PROJECT KEY_ID [NAME_PATTERN]   one line a check
 *   print ENDPOINT PROJECT KEY_ID TABLE records|arrow COLUMN,...   one line a row
 * </pre>
 *
 * The secret is in the environment, as PEER_TEST_SECRET. MAPPED_ENDPOINT is another address of the
 * same service, as behind a port mapping.
 */
public final class Main {
  private Main() {}

  public static void main(String[] arguments) throws Exception {
    PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
    System.setOut(System.err); // the SDK's own words are no results
    List<String> words = Arrays.asList(arguments);
    String secret = System.getenv("PEER_TEST_SECRET");
    if (words.size() >= 5 && words.get(0).equals("check")) {
      Target target = new Target(words.get(1), words.get(2), words.get(3), words.get(4), secret);
      suite(out).run(target, words.size() > 5 ? words.get(5) : ".*");
    } else if (words.size() == 7 && words.get(0).equals("print")) {
      Target target = new Target(words.get(1), words.get(1), words.get(2), words.get(3), secret);
      print(target, words, out);
    } else {
      System.err.println("see the top of Main.java");
      System.exit(2);
    }
    out.flush();
    Runtime.getRuntime().halt(out.checkError() ? 1 : 0); // threads of the SDK would live on
  }

  private static Suite suite(PrintStream out) {
    Suite suite = new Suite(out);
    SigningChecks.addTo(suite);
    ProjectChecks.addTo(suite);
    TableChecks.addTo(suite);
    PartitionChecks.addTo(suite);
    SqlChecks.addTo(suite);
    InstanceTunnelChecks.addTo(suite);
    ValueChecks.addTo(suite);
    CodecChecks.addTo(suite);
    SessionChecks.addTo(suite);
    UpsertChecks.addTo(suite);
    FaultChecks.addTo(suite);
    return suite;
  }

  private static void print(Target target, List<String> words, PrintStream out) throws Exception {
    var session = Transfer.download(target.odps(), words.get(4));
    List<Column> columns = new ArrayList<>();
    for (String name : words.get(6).split(",")) {
      columns.add(session.getSchema().getColumn(name));
    }
    long count = session.getRecordCount();
    List<JsonArray> rows = words.get(5).equals("arrow")
        ? Transfer.arrow(session, 0, count, columns, Transfer.RAW)
        : Transfer.records(session, 0, count, columns, Transfer.RAW);
    var json = new GsonBuilder().serializeNulls().disableHtmlEscaping().create();
    rows.forEach(row -> out.println(json.toJson(row)));
  }
}
