package peer;

import com.aliyun.odps.data.AbstractChar;
import com.aliyun.odps.data.Binary;
import com.aliyun.odps.data.Struct;
import com.aliyun.odps.type.ArrayTypeInfo;
import com.aliyun.odps.type.DecimalTypeInfo;
import com.aliyun.odps.type.MapTypeInfo;
import com.aliyun.odps.type.StructTypeInfo;
import com.aliyun.odps.type.TypeInfo;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * One text for each value, whatever road it came by: integers and decimals plain (a decimal with
 * all digits of its scale), floats by their bits in hex, instants as seconds.nanoseconds, bytes in
 * hex, dates as yyyy-mm-dd; arrays, structs as JSON; maps as pairs in the order of their keys'
 * text, since the SDK keeps no other.
 */
final class ValueText {
  private ValueText() {}

  /** The text of a value as the record API holds it. */
  static JsonElement of(Object value, TypeInfo type) {
    if (value == null) {
      return JsonNull.INSTANCE;
    }
    switch (type.getOdpsType()) {
      case ARRAY:
        return ofList((List<?>) value, ((ArrayTypeInfo) type).getElementTypeInfo());
      case MAP:
        return ofMap((Map<?, ?>) value, (MapTypeInfo) type);
      case STRUCT:
        return ofStruct((Struct) value, (StructTypeInfo) type);
      case BOOLEAN:
        return new JsonPrimitive((Boolean) value);
      default:
        return new JsonPrimitive(leaf(value, type));
    }
  }

  private static JsonArray ofList(List<?> values, TypeInfo type) {
    JsonArray array = new JsonArray();
    values.forEach(value -> array.add(of(value, type)));
    return array;
  }

  private static JsonObject ofStruct(Struct value, StructTypeInfo type) {
    JsonObject object = new JsonObject();
    for (int i = 0; i < type.getFieldCount(); i++) {
      object.add(
          type.getFieldNames().get(i), of(value.getFieldValue(i), type.getFieldTypeInfos().get(i)));
    }
    return object;
  }

  private static JsonArray ofMap(Map<?, ?> map, MapTypeInfo type) {
    Map<String, JsonArray> pairs = new TreeMap<>();
    map.forEach(
        (key, value)
            -> addPair(pairs, of(key, type.getKeyTypeInfo()), of(value, type.getValueTypeInfo())));
    return inOrder(pairs);
  }

  static void addPair(Map<String, JsonArray> pairs, JsonElement key, JsonElement value) {
    JsonArray pair = new JsonArray();
    pair.add(key);
    pair.add(value);
    if (pairs.put(key.toString(), pair) != null) {
      throw new IllegalStateException("the key " + key + " occurs twice");
    }
  }

  static JsonArray inOrder(Map<String, JsonArray> pairs) {
    JsonArray array = new JsonArray();
    pairs.values().forEach(array::add);
    return array;
  }

  private static String leaf(Object value, TypeInfo type) {
    switch (type.getOdpsType()) {
      case FLOAT:
        return floatBits((Float) value);
      case DOUBLE:
        return doubleBits((Double) value);
      case DECIMAL:
        return decimal((BigDecimal) value, type);
      case STRING:
        return value instanceof byte[] ? new String((byte[]) value, StandardCharsets.UTF_8)
                                       : (String) value;
      case CHAR:
      case VARCHAR:
        return ((AbstractChar) value).getValue();
      case BINARY:
        return hex(((Binary) value).data());
      case DATETIME:
        Instant instant = ((ZonedDateTime) value).toInstant();
        return instant(instant.getEpochSecond(), instant.getNano());
      case TIMESTAMP:
        return instant(((Instant) value).getEpochSecond(), ((Instant) value).getNano());
      case TIMESTAMP_NTZ:
        LocalDateTime wall = (LocalDateTime) value;
        return instant(wall.toEpochSecond(ZoneOffset.UTC), wall.getNano());
      default: // integers, DATE as LocalDate, JSON
        return value.toString();
    }
  }

  static String decimal(BigDecimal value, TypeInfo type) {
    return value.setScale(((DecimalTypeInfo) type).getScale()).toPlainString();
  }

  /** Every NaN is one NaN. */
  static String floatBits(float value) {
    return String.format("%08x", Float.floatToIntBits(value));
  }

  static String doubleBits(double value) {
    return String.format("%016x", Double.doubleToLongBits(value));
  }

  static String instant(long seconds, long nanos) {
    return String.format("%d.%09d", seconds, nanos);
  }

  static String instantOfNanos(long nanos) {
    long second = 1_000_000_000L;
    return instant(Math.floorDiv(nanos, second), Math.floorMod(nanos, second));
  }

  static String hex(byte[] bytes) {
    StringBuilder text = new StringBuilder(2 * bytes.length);
    for (byte one : bytes) {
      text.append(String.format("%02x", one));
    }
    return text.toString();
  }
}
