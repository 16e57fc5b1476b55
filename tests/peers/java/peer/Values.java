package peer;

import com.aliyun.odps.data.Binary;
import com.aliyun.odps.data.Char;
import com.aliyun.odps.data.SimpleStruct;
import com.aliyun.odps.data.Varchar;
import com.aliyun.odps.type.StructTypeInfo;
import com.aliyun.odps.type.TypeInfo;
import com.aliyun.odps.type.TypeInfoParser;
import java.math.BigDecimal;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Every type with its edges, as the record API takes them. BIGINT ends at -2^63 + 1: the SDK
 * refuses -2^63 by itself, when writing and when reading.
 */
final class Values {
  static final String DEEP = "array<map<string,struct<x:bigint,y:array<decimal(10,2)>>>>";

  private static final TypeInfo DEEP_MAP_VALUE =
      TypeInfoParser.getTypeInfoFromTypeString("struct<x:bigint,y:array<decimal(10,2)>>");
  private static final TypeInfo PAIR =
      TypeInfoParser.getTypeInfoFromTypeString("struct<x:int,y:string>");
  private static final Instant FIRST = Instant.parse("0001-01-01T00:00:00Z");
  private static final Instant LAST = Instant.parse("9999-12-31T23:59:59.999999Z");
  private static final String BIG = "9".repeat(20);
  private static final String FINE = "9".repeat(18);

  private Values() {}

  /** Type text to its values, without the NULL that every column has besides. */
  static Map<String, List<Object>> all() {
    Map<String, List<Object>> values = new LinkedHashMap<>();
    values.put("tinyint", list(Byte.MIN_VALUE, (byte) -1, (byte) 0, Byte.MAX_VALUE));
    values.put("smallint", list(Short.MIN_VALUE, (short) 0, Short.MAX_VALUE));
    values.put("int", list(Integer.MIN_VALUE, 0, Integer.MAX_VALUE));
    values.put("bigint", list(Long.MIN_VALUE + 1, -1L, 0L, 1L << 53, Long.MAX_VALUE));
    values.put(
        "float", list(-0.0f, Float.MIN_VALUE, Float.MAX_VALUE, Float.NaN, Float.NEGATIVE_INFINITY));
    values.put("double",
        list(-0.0, 0.1, Double.MIN_VALUE, -Double.MAX_VALUE, Double.NaN, Double.POSITIVE_INFINITY));
    values.put("boolean", list(true, false));
    values.put(
        "string", list("", "a'\"\\\n\t,\u0000|", "naïve 中文 \uD83D\uDE80", "x".repeat(70_000)));
    values.put("varchar(40)", list(new Varchar(""), new Varchar("é".repeat(40))));
    values.put("char(3)", list(new Char("abc"), new Char("中文字")));
    values.put("binary", list(new Binary(new byte[0]), new Binary(allBytes())));
    values.put("date",
        dates("0001-01-01", "1582-10-04", "1582-10-15", "1969-12-31", "2024-02-29", "9999-12-31"));
    values.put("datetime",
        list(zoned("0001-01-01T00:00:00Z"), zoned("1969-12-31T23:59:59.999Z"),
            zoned("9999-12-31T23:59:59.999Z")));
    values.put("decimal(38,18)", decimals(BIG + "." + FINE, "-" + BIG + "." + FINE, "0", "1E-18"));
    values.put("decimal(38,0)",
        decimals("9".repeat(38),
            "-"
                + "9".repeat(38),
            "-1", "0"));
    values.put("decimal(10,2)", decimals("99999999.99", "-0.01", "12.30"));
    values.put("decimal(1,0)", decimals("9", "-9"));
    addNested(values);
    return values;
  }

  private static void addNested(Map<String, List<Object>> values) {
    values.put("array<int>", list(list(1, null, Integer.MIN_VALUE), list()));
    values.put("array<array<string>>", list(list(list("", null, "é"), null, list())));
    values.put("map<string,bigint>", list(mapOf("k", 1L, "", null), mapOf()));
    values.put("map<int,boolean>", list(mapOf(-1, true, 7, null)));
    values.put("struct<x:int,y:string>", list(pair(1, "one"), pair(null, null)));
    Object inner =
        new SimpleStruct((StructTypeInfo) DEEP_MAP_VALUE, list(5L, list(dec("1.50"), null)));
    Object empty = new SimpleStruct((StructTypeInfo) DEEP_MAP_VALUE, list(null, null));
    values.put(DEEP, list(list(mapOf("a", inner, "b", null, "c", empty), null, mapOf()), list()));
  }

  /** Instants that nanoseconds in 64 bits can hold, and so Arrow. */
  static Map<String, List<Object>> nearInstants() {
    return instants("1677-09-21T00:12:43.145224193Z", "1969-12-31T23:59:59.999999999Z",
        "1970-01-01T00:00:00Z", "2024-03-31T01:30:00.000000001Z", "2262-04-11T23:47:16.854775807Z");
  }

  /** Instants that only records can carry. */
  static Map<String, List<Object>> farInstants() {
    return instants(FIRST.toString(), "1582-10-15T00:00:00Z", "1677-09-21T00:12:43Z",
        "2262-04-11T23:47:17Z", LAST.toString());
  }

  private static Map<String, List<Object>> instants(String... texts) {
    List<Instant> instants = Arrays.stream(texts).map(Instant::parse).collect(Collectors.toList());
    Map<String, List<Object>> values = new LinkedHashMap<>();
    values.put("timestamp", new ArrayList<>(instants));
    values.put("timestamp_ntz",
        instants.stream()
            .map(at -> LocalDateTime.ofInstant(at, ZoneOffset.UTC))
            .collect(Collectors.toList()));
    values.put("array<timestamp>", list(new ArrayList<>(instants)));
    return values;
  }

  /**
   * Column i of each row holds value i of its type; NULL where a type has fewer, and a NULL row.
   */
  static List<List<Object>> rows(Map<String, List<Object>> values) {
    int most = values.values().stream().mapToInt(List::size).max().orElse(0);
    List<List<Object>> rows = new ArrayList<>();
    for (int i = 0; i <= most; i++) {
      List<Object> row = new ArrayList<>();
      for (List<Object> column : values.values()) {
        row.add(i < column.size() ? column.get(i) : null);
      }
      rows.add(row);
    }
    return rows;
  }

  /** "c0 tinyint, c1 smallint, ..." */
  static String columns(Map<String, List<Object>> values) {
    List<String> columns = new ArrayList<>();
    values.keySet().forEach(type -> columns.add("c" + columns.size() + " " + type));
    return String.join(", ", columns);
  }

  private static List<Object> list(Object... values) {
    return new ArrayList<>(Arrays.asList(values));
  }

  private static Map<Object, Object> mapOf(Object... pairs) {
    Map<Object, Object> map = new LinkedHashMap<>();
    for (int i = 0; i < pairs.length; i += 2) {
      map.put(pairs[i], pairs[i + 1]);
    }
    return map;
  }

  private static Object pair(Integer x, String y) {
    return new SimpleStruct((StructTypeInfo) PAIR, list(x, y));
  }

  private static BigDecimal dec(String text) {
    return new BigDecimal(text);
  }

  private static List<Object> decimals(String... texts) {
    return Arrays.stream(texts).map(BigDecimal::new).collect(Collectors.toList());
  }

  private static List<Object> dates(String... texts) {
    return Arrays.stream(texts).map(LocalDate::parse).collect(Collectors.toList());
  }

  private static ZonedDateTime zoned(String text) {
    return ZonedDateTime.parse(text);
  }

  private static byte[] allBytes() {
    byte[] bytes = new byte[256];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) i;
    }
    return bytes;
  }
}
