package peer;

import com.aliyun.odps.Column;
import com.aliyun.odps.Odps;
import com.aliyun.odps.OdpsException;
import com.aliyun.odps.data.ArrowRecordReader;
import com.aliyun.odps.data.ArrowRecordWriter;
import com.aliyun.odps.data.Record;
import com.aliyun.odps.data.RecordReader;
import com.aliyun.odps.data.RecordWriter;
import com.aliyun.odps.tunnel.TableTunnel;
import com.aliyun.odps.tunnel.TableTunnel.DownloadSession;
import com.aliyun.odps.tunnel.TableTunnel.UploadSession;
import com.aliyun.odps.tunnel.io.CompressOption;
import com.aliyun.odps.tunnel.io.CompressOption.CompressAlgorithm;
import com.google.gson.JsonArray;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.VectorSchemaRoot;

/** Rows up and down the tunnel, as records and as Arrow. */
final class Transfer {
  static final CompressOption RAW = option(CompressAlgorithm.ODPS_RAW);

  private Transfer() {}

  static CompressOption option(CompressAlgorithm algorithm) {
    return new CompressOption(algorithm, 1, 0);
  }

  static UploadSession upload(Odps odps, String table, boolean overwrite) throws OdpsException {
    return new TableTunnel(odps).createUploadSession(odps.getDefaultProject(), table, overwrite);
  }

  static DownloadSession download(Odps odps, String table) throws OdpsException {
    return new TableTunnel(odps)
        .buildDownloadSession(odps.getDefaultProject(), table)
        .setSchemaName(odps.getCurrentSchema())
        .build();
  }

  static void writeRecords(UploadSession session, long block, List<List<Object>> rows,
      CompressOption codec) throws OdpsException, IOException {
    RecordWriter writer = session.openRecordWriter(block, codec);
    for (List<Object> row : rows) {
      Record record = session.newRecord();
      for (int i = 0; i < row.size(); i++) {
        record.set(i, row.get(i));
      }
      writer.write(record);
    }
    writer.close();
  }

  static void writeArrow(UploadSession session, long block, List<List<Object>> rows,
      CompressOption codec) throws OdpsException, IOException {
    List<Column> columns = session.getSchema().getColumns();
    try (ArrowRecordWriter writer = session.openArrowRecordWriter(block, codec);
         VectorSchemaRoot batch = ArrowValues.batch(session.getArrowSchema(), columns, rows)) {
      writer.write(batch);
    }
  }

  /** One table, one block, one commit. */
  static void put(Odps odps, String table, List<List<Object>> rows)
      throws OdpsException, IOException {
    UploadSession session = upload(odps, table, false);
    writeRecords(session, 0, rows, RAW);
    session.commit(new Long[] {0L});
  }

  /** The texts of all rows. */
  static List<JsonArray> records(DownloadSession session) throws OdpsException, IOException {
    return records(session, 0, session.getRecordCount(), null, RAW);
  }

  static List<JsonArray> records(DownloadSession session, long start, long count,
      List<Column> columns, CompressOption codec) throws OdpsException, IOException {
    RecordReader reader = session.openRecordReader(start, count, codec, columns);
    return texts(reader, columns == null ? session.getSchema().getColumns() : columns);
  }

  static List<JsonArray> texts(RecordReader reader, List<Column> columns) throws IOException {
    List<JsonArray> rows = new ArrayList<>();
    for (Record record = reader.read(); record != null; record = reader.read()) {
      JsonArray row = new JsonArray();
      for (int i = 0; i < columns.size(); i++) {
        row.add(ValueText.of(record.get(i), columns.get(i).getTypeInfo()));
      }
      rows.add(row);
    }
    reader.close();
    return rows;
  }

  static List<JsonArray> arrow(DownloadSession session) throws OdpsException, IOException {
    return arrow(session, 0, session.getRecordCount(), null, RAW);
  }

  static List<JsonArray> arrow(DownloadSession session, long start, long count,
      List<Column> columns, CompressOption codec) throws OdpsException, IOException {
    List<Column> read = columns == null ? session.getSchema().getColumns() : columns;
    List<JsonArray> rows = new ArrayList<>();
    try (ArrowRecordReader reader =
             session.openArrowRecordReader(start, count, columns, ArrowValues.MEMORY, codec)) {
      for (VectorSchemaRoot batch = reader.read(); batch != null; batch = reader.read()) {
        for (int row = 0; row < batch.getRowCount(); row++) {
          rows.add(arrowRow(batch, row, read));
        }
        batch.close();
      }
    }
    return rows;
  }

  private static JsonArray arrowRow(VectorSchemaRoot batch, int row, List<Column> columns) {
    JsonArray texts = new JsonArray();
    for (int i = 0; i < columns.size(); i++) {
      FieldVector vector = batch.getVector(i);
      texts.add(ArrowValues.text(vector, row, columns.get(i).getTypeInfo()));
    }
    return texts;
  }

  /** What rows of the record API must read as. */
  static List<JsonArray> texts(List<List<Object>> rows, List<Column> columns) {
    List<JsonArray> texts = new ArrayList<>();
    for (List<Object> row : rows) {
      JsonArray text = new JsonArray();
      for (int i = 0; i < columns.size(); i++) {
        text.add(ValueText.of(row.get(i), columns.get(i).getTypeInfo()));
      }
      texts.add(text);
    }
    return texts;
  }

  /** Names the first cell that differs, since a row with every type is long. */
  static void compare(List<JsonArray> got, List<JsonArray> wanted, List<Column> columns) {
    Expect.same("number of rows", got.size(), wanted.size());
    for (int row = 0; row < wanted.size(); row++) {
      for (int i = 0; i < columns.size(); i++) {
        String where = "row " + row + ", " + columns.get(i).getTypeInfo().getTypeName();
        Expect.same(where, got.get(row).get(i), wanted.get(row).get(i));
      }
    }
  }
}
