package peer;

import com.aliyun.odps.Column;
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
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.BigIntVector;
import org.apache.arrow.vector.BitVector;
import org.apache.arrow.vector.DateDayVector;
import org.apache.arrow.vector.DateMilliVector;
import org.apache.arrow.vector.DecimalVector;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.Float4Vector;
import org.apache.arrow.vector.Float8Vector;
import org.apache.arrow.vector.IntVector;
import org.apache.arrow.vector.SmallIntVector;
import org.apache.arrow.vector.TimeStampNanoVector;
import org.apache.arrow.vector.TinyIntVector;
import org.apache.arrow.vector.VarBinaryVector;
import org.apache.arrow.vector.VarCharVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.complex.ListVector;
import org.apache.arrow.vector.complex.StructVector;
import org.apache.arrow.vector.types.pojo.Schema;

/** Values of the record API into Arrow vectors, and Arrow vectors into the text of ValueText. */
final class ArrowValues {
  static final RootAllocator MEMORY = new RootAllocator(Long.MAX_VALUE);

  private static final long SECOND_NANOS = 1_000_000_000L;

  private ArrowValues() {}

  /** A batch that holds these rows. The caller closes it. */
  static VectorSchemaRoot batch(Schema schema, List<Column> columns, List<List<Object>> rows) {
    VectorSchemaRoot root = VectorSchemaRoot.create(schema, MEMORY);
    root.allocateNew();
    for (int column = 0; column < columns.size(); column++) {
      FieldVector vector = root.getVector(column);
      for (int row = 0; row < rows.size(); row++) {
        put(vector, row, rows.get(row).get(column), columns.get(column).getTypeInfo());
      }
      vector.setValueCount(rows.size());
    }
    root.setRowCount(rows.size());
    return root;
  }

  private static void put(FieldVector vector, int at, Object value, TypeInfo type) {
    if (value == null) {
      putNull(vector, at);
      return;
    }
    switch (type.getOdpsType()) {
      case ARRAY:
        putList(
            (ListVector) vector, at, (List<?>) value, ((ArrayTypeInfo) type).getElementTypeInfo());
        break;
      case MAP:
        putMap((ListVector) vector, at, (Map<?, ?>) value, (MapTypeInfo) type);
        break;
      case STRUCT:
        putStruct((StructVector) vector, at, (Struct) value, (StructTypeInfo) type);
        break;
      default:
        putLeaf(vector, at, value, type);
    }
  }

  private static void putNull(FieldVector vector, int at) {
    if (vector instanceof ListVector) {
      ((ListVector) vector).setNull(at);
    } else if (vector instanceof StructVector) {
      ((StructVector) vector).setNull(at);
      // A child of a null struct keeps its place.
      ((StructVector) vector).getChildrenFromFields().forEach(child -> putNull(child, at));
    } else if (vector instanceof VarCharVector) {
      ((VarCharVector) vector).setNull(at);
    } else if (vector instanceof VarBinaryVector) {
      ((VarBinaryVector) vector).setNull(at);
    } else {
      ((org.apache.arrow.vector.BaseFixedWidthVector) vector).setNull(at);
    }
  }

  private static void putList(ListVector list, int at, List<?> values, TypeInfo type) {
    int start = list.startNewValue(at);
    for (int i = 0; i < values.size(); i++) {
      put(list.getDataVector(), start + i, values.get(i), type);
    }
    list.endValue(at, values.size());
  }

  private static void putMap(ListVector list, int at, Map<?, ?> map, MapTypeInfo type) {
    int next = list.startNewValue(at);
    StructVector entries = (StructVector) list.getDataVector();
    for (Map.Entry<?, ?> entry : map.entrySet()) {
      entries.setIndexDefined(next);
      put(entries.getChildrenFromFields().get(0), next, entry.getKey(), type.getKeyTypeInfo());
      put(entries.getChildrenFromFields().get(1), next, entry.getValue(), type.getValueTypeInfo());
      next++;
    }
    list.endValue(at, map.size());
  }

  private static void putStruct(StructVector vector, int at, Struct value, StructTypeInfo type) {
    vector.setIndexDefined(at);
    for (int i = 0; i < type.getFieldCount(); i++) {
      TypeInfo field = type.getFieldTypeInfos().get(i);
      put(vector.getChildrenFromFields().get(i), at, value.getFieldValue(i), field);
    }
  }

  private static void putLeaf(FieldVector vector, int at, Object value, TypeInfo type) {
    switch (type.getOdpsType()) {
      case TINYINT:
        ((TinyIntVector) vector).setSafe(at, (Byte) value);
        break;
      case SMALLINT:
        ((SmallIntVector) vector).setSafe(at, (Short) value);
        break;
      case INT:
        ((IntVector) vector).setSafe(at, (Integer) value);
        break;
      case BIGINT:
        ((BigIntVector) vector).setSafe(at, (Long) value);
        break;
      case FLOAT:
        ((Float4Vector) vector).setSafe(at, (Float) value);
        break;
      case DOUBLE:
        ((Float8Vector) vector).setSafe(at, (Double) value);
        break;
      case BOOLEAN:
        ((BitVector) vector).setSafe(at, (Boolean) value ? 1 : 0);
        break;
      case DECIMAL:
        int scale = ((DecimalTypeInfo) type).getScale();
        ((DecimalVector) vector).setSafe(at, ((BigDecimal) value).setScale(scale));
        break;
      case BINARY:
        ((VarBinaryVector) vector).setSafe(at, ((Binary) value).data());
        break;
      case DATE:
        ((DateDayVector) vector).setSafe(at, (int) ((LocalDate) value).toEpochDay());
        break;
      case DATETIME:
        ((DateMilliVector) vector).setSafe(at, ((ZonedDateTime) value).toInstant().toEpochMilli());
        break;
      case TIMESTAMP:
        ((TimeStampNanoVector) vector).setSafe(at, nanos((Instant) value));
        break;
      case TIMESTAMP_NTZ:
        Instant wall = ((LocalDateTime) value).toInstant(ZoneOffset.UTC);
        ((TimeStampNanoVector) vector).setSafe(at, nanos(wall));
        break;
      default: // STRING, CHAR, VARCHAR, JSON
        String text =
            value instanceof AbstractChar ? ((AbstractChar) value).getValue() : value.toString();
        ((VarCharVector) vector).setSafe(at, text.getBytes(StandardCharsets.UTF_8));
    }
  }

  private static long nanos(Instant instant) {
    // Towards zero first: the smallest whole second is out of range while its last nanos are not.
    long seconds = instant.getEpochSecond() + (instant.getEpochSecond() < 0 ? 1 : 0);
    long rest = instant.getNano() - (instant.getEpochSecond() < 0 ? SECOND_NANOS : 0);
    return Math.addExact(Math.multiplyExact(seconds, SECOND_NANOS), rest);
  }

  /** The text of one value of a vector. */
  static JsonElement text(FieldVector vector, int at, TypeInfo type) {
    if (vector.isNull(at)) {
      return JsonNull.INSTANCE;
    }
    switch (type.getOdpsType()) {
      case ARRAY:
        return listText((ListVector) vector, at, ((ArrayTypeInfo) type).getElementTypeInfo());
      case MAP:
        return mapText((ListVector) vector, at, (MapTypeInfo) type);
      case STRUCT:
        return structText((StructVector) vector, at, (StructTypeInfo) type);
      case BOOLEAN:
        return new JsonPrimitive(((BitVector) vector).get(at) == 1);
      default:
        return new JsonPrimitive(leafText(vector, at, type));
    }
  }

  private static int start(ListVector list, int at) {
    return list.getOffsetBuffer().getInt((long) at * ListVector.OFFSET_WIDTH);
  }

  private static JsonArray listText(ListVector list, int at, TypeInfo type) {
    JsonArray array = new JsonArray();
    for (int i = start(list, at); i < start(list, at + 1); i++) {
      array.add(text(list.getDataVector(), i, type));
    }
    return array;
  }

  private static JsonArray mapText(ListVector list, int at, MapTypeInfo type) {
    Map<String, JsonArray> pairs = new TreeMap<>();
    List<FieldVector> entries = ((StructVector) list.getDataVector()).getChildrenFromFields();
    for (int i = start(list, at); i < start(list, at + 1); i++) {
      ValueText.addPair(pairs, text(entries.get(0), i, type.getKeyTypeInfo()),
          text(entries.get(1), i, type.getValueTypeInfo()));
    }
    return ValueText.inOrder(pairs);
  }

  private static JsonObject structText(StructVector vector, int at, StructTypeInfo type) {
    JsonObject object = new JsonObject();
    for (int i = 0; i < type.getFieldCount(); i++) {
      FieldVector child = vector.getChildrenFromFields().get(i);
      object.add(type.getFieldNames().get(i), text(child, at, type.getFieldTypeInfos().get(i)));
    }
    return object;
  }

  private static String leafText(FieldVector vector, int at, TypeInfo type) {
    switch (type.getOdpsType()) {
      case TINYINT:
        return String.valueOf(((TinyIntVector) vector).get(at));
      case SMALLINT:
        return String.valueOf(((SmallIntVector) vector).get(at));
      case INT:
        return String.valueOf(((IntVector) vector).get(at));
      case BIGINT:
        return String.valueOf(((BigIntVector) vector).get(at));
      case FLOAT:
        return ValueText.floatBits(((Float4Vector) vector).get(at));
      case DOUBLE:
        return ValueText.doubleBits(((Float8Vector) vector).get(at));
      case DECIMAL:
        return ValueText.decimal(((DecimalVector) vector).getObject(at), type);
      case BINARY:
        return ValueText.hex(((VarBinaryVector) vector).get(at));
      case DATE:
        return LocalDate.ofEpochDay(((DateDayVector) vector).get(at)).toString();
      case DATETIME:
        Instant instant = Instant.ofEpochMilli(((DateMilliVector) vector).get(at));
        return ValueText.instant(instant.getEpochSecond(), instant.getNano());
      case TIMESTAMP:
      case TIMESTAMP_NTZ:
        return ValueText.instantOfNanos(((TimeStampNanoVector) vector).get(at));
      default: // STRING, CHAR, VARCHAR, JSON
        return new String(((VarCharVector) vector).get(at), StandardCharsets.UTF_8);
    }
  }
}
