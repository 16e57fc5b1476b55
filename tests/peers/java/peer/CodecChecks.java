package peer;

import com.aliyun.odps.Column;
import com.aliyun.odps.Odps;
import com.aliyun.odps.tunnel.TableTunnel.DownloadSession;
import com.aliyun.odps.tunnel.TableTunnel.UploadSession;
import com.aliyun.odps.tunnel.io.CompressOption;
import com.aliyun.odps.tunnel.io.CompressOption.CompressAlgorithm;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** Each codec that the SDK has, each way, in each form; and its own word on those it has not. */
final class CodecChecks {
  private static final int ROWS = 30_000; // several chunks of 64 KiB

  private static final Map<String, CompressAlgorithm> RECORDS =
      Map.of("raw", CompressAlgorithm.ODPS_RAW, "deflate", CompressAlgorithm.ODPS_ZLIB, "snappy",
          CompressAlgorithm.ODPS_SNAPPY, "lz4", CompressAlgorithm.ODPS_LZ4_FRAME);
  private static final Map<String, CompressAlgorithm> ARROW =
      Map.of("raw", CompressAlgorithm.ODPS_RAW, "deflate", CompressAlgorithm.ODPS_ZLIB, "snappy",
          CompressAlgorithm.ODPS_SNAPPY, "lz4", CompressAlgorithm.ODPS_ARROW_LZ4_FRAME);

  private CodecChecks() {}

  static void addTo(Suite suite) {
    for (String codec : List.of("raw", "deflate", "snappy", "lz4")) {
      CompressOption records = Transfer.option(RECORDS.get(codec));
      CompressOption arrow = Transfer.option(ARROW.get(codec));
      String table = "java_z_" + codec;
      suite.add("codec_records_up_" + codec, t -> up(t, table + "_ru", records, true));
      suite.add("codec_records_down_" + codec, t -> down(t, table + "_rd", records, true));
      suite.add("codec_arrow_up_" + codec, t -> up(t, table + "_au", arrow, false));
      suite.add("codec_arrow_down_" + codec, t -> down(t, table + "_ad", arrow, false));
    }
    suite.add("codec_client_has_no_zstd", CodecChecks::noZstd);
  }

  private static List<List<Object>> rows() {
    List<List<Object>> rows = new ArrayList<>(ROWS);
    for (long i = 0; i < ROWS; i++) {
      rows.add(Arrays.asList(i * 0x9E3779B97F4A7C15L >> 1, i % 3 == 0 ? null : "text " + i));
    }
    return rows;
  }

  private static void create(Odps odps, String table) throws Exception {
    Target.run(odps, "CREATE TABLE " + table + " (a BIGINT, s STRING);");
  }

  /** Two blocks with the codec; read without one. */
  private static void up(Target target, String table, CompressOption codec, boolean records)
      throws Exception {
    Odps odps = target.odps();
    create(odps, table);
    UploadSession upload = Transfer.upload(odps, table, false);
    List<List<Object>> rows = rows();
    for (int block = 0; block < 2; block++) {
      var half = rows.subList(block * ROWS / 2, (block + 1) * ROWS / 2);
      if (records) {
        Transfer.writeRecords(upload, block, half, codec);
      } else {
        Transfer.writeArrow(upload, block, half, codec);
      }
    }
    upload.commit(new Long[] {0L, 1L});
    DownloadSession download = Transfer.download(odps, table);
    List<Column> columns = download.getSchema().getColumns();
    Transfer.compare(Transfer.arrow(download), Transfer.texts(rows, columns), columns);
  }

  /** Written without a codec; read with it, whole and in part. */
  private static void down(Target target, String table, CompressOption codec, boolean records)
      throws Exception {
    Odps odps = target.odps();
    create(odps, table);
    List<List<Object>> rows = rows();
    Transfer.put(odps, table, rows);
    DownloadSession download = Transfer.download(odps, table);
    List<Column> columns = download.getSchema().getColumns();
    var all = records ? Transfer.records(download, 0, ROWS, null, codec)
                      : Transfer.arrow(download, 0, ROWS, null, codec);
    Transfer.compare(all, Transfer.texts(rows, columns), columns);
    var part = records ? Transfer.records(download, 9, 11, null, codec)
                       : Transfer.arrow(download, 9, 11, null, codec);
    Transfer.compare(part, Transfer.texts(rows.subList(9, 20), columns), columns);
  }

  /** Not the service: these end in the SDK. */
  private static void noZstd(Target target) throws Exception {
    Odps odps = target.odps();
    create(odps, "java_no_zstd");
    UploadSession upload = Transfer.upload(odps, "java_no_zstd", false);
    CompressOption zstd = Transfer.option(CompressAlgorithm.ODPS_ARROW_ZSTD);
    String refusal = "invalid compression option";
    Expect.fails(refusal, () -> Transfer.writeRecords(upload, 0, List.of(), zstd));
    Expect.fails(refusal, () -> Transfer.writeArrow(upload, 0, rows().subList(0, 1), zstd));
    DownloadSession download = Transfer.download(odps, "java_no_zstd");
    Expect.fails(refusal, () -> Transfer.records(download, 0, 0, null, zstd));
    Expect.fails(refusal, () -> Transfer.arrow(download, 0, 0, null, zstd));
    CompressOption wrongLz4 = Transfer.option(CompressAlgorithm.ODPS_LZ4_FRAME);
    Expect.fails(refusal, () -> Transfer.arrow(download, 0, 0, null, wrongLz4));
  }
}
