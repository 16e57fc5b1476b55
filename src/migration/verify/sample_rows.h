// Random tables for tests of the proof: rows of every type in a form that can be damaged cell by
// cell, written down as Arrow arrays of the type that a source's reader gives or that the target
// gives back, and compared without any hash.
//
// Included by tests alone. All that is random comes from the Random that is passed in, so a seed
// repeats a table. One thread at a time.
#pragma once

#include <arrow/api.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <vector>

namespace mms::migration::sample {

class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}
  uint64_t Bits() { return engine_(); }
  /// 0 .. count - 1; count > 0.
  size_t Below(size_t count) { return engine_() % count; }
  bool OneIn(size_t count) { return Below(count) == 0; }
  template <class Value>
  const Value& Pick(const std::vector<Value>& values) {
    return values[Below(values.size())];
  }
  template <class Value>
  void Shuffle(std::vector<Value>& values) {
    std::shuffle(values.begin(), values.end(), engine_);
  }

 private:
  std::mt19937_64 engine_;
};

/// One value. Which members count depends on the type: `number` is an integer, the bits of a
/// floating point number, days, a timestamp in the target's unit, or the lower half of a decimal;
/// `items` are a list's values, a struct's fields, or a map's key, value, key, value, ...
struct Cell {
  bool null = false;
  uint64_t number = 0;
  uint64_t high = 0;
  std::string text;
  std::vector<Cell> items;
};

using Row = std::vector<Cell>;
using Rows = std::vector<Row>;

struct Column {
  std::string name;
  std::shared_ptr<arrow::DataType> source;  ///< what the source's reader gives
  std::shared_ptr<arrow::DataType> target;  ///< what the target gives back; loses nothing
  bool added = false;  ///< at the target since the rows were copied; the last, NULL in each row
};

struct Table {
  std::vector<Column> columns;
  std::map<std::vector<std::string>, Rows> partitions;  ///< by the values of its levels

  size_t copied_columns() const { return columns.size() - (columns.back().added ? 1 : 0); }
};

inline int UnitOf(const arrow::DataType& type) {
  return static_cast<int>(static_cast<const arrow::TimestampType&>(type).unit());
}

/// What of `number` counts.
inline int BitsOf(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::BOOL: return 1;
    case arrow::Type::INT8: return 8;
    case arrow::Type::INT16: return 16;
    case arrow::Type::INT32:
    case arrow::Type::FLOAT:
    case arrow::Type::DATE32: return 32;
    // Milliseconds that are microseconds too.
    case arrow::Type::TIMESTAMP: return UnitOf(type) < arrow::TimeUnit::MICRO ? 50 : 64;
    default: return 64;
  }
}

/// The lowest `bits`, with their sign.
inline uint64_t Narrow(uint64_t number, int bits) {
  if (bits == 64) return number;
  if (bits == 1) return number & 1;
  const int left = 64 - bits;
  return static_cast<uint64_t>(static_cast<int64_t>(number << left) >> left);
}

/// How many of the target's units make one of the source's.
inline uint64_t UnitsPerSource(const Column& column) {
  uint64_t factor = 1;
  if (column.target->id() != arrow::Type::TIMESTAMP) return factor;
  for (int unit = UnitOf(*column.source); unit < UnitOf(*column.target); ++unit) factor *= 1000;
  return factor;
}

inline Cell EmptyCell(const arrow::DataType& type) {
  Cell cell;
  if (type.id() == arrow::Type::STRUCT) {
    cell.items.resize(static_cast<size_t>(type.num_fields()));
    for (Cell& item : cell.items) item.null = true;
  }
  return cell;
}

inline bool IsEmpty(const Cell& cell, const arrow::DataType& type) {
  if (type.id() != arrow::Type::STRUCT) {
    return !cell.null && cell.number == 0 && cell.high == 0 && cell.text.empty() &&
           cell.items.empty();
  }
  return std::all_of(cell.items.begin(), cell.items.end(), [](const Cell& i) { return i.null; });
}

inline std::string RandomText(Random& random) {
  static const std::vector<std::string> kPieces = {
      "a", "row ", "0", " ", "\t", "\\N", std::string(1, '\0'), "\xE4\xB8\xAD"};
  std::string text;
  for (size_t left = 1 + random.Below(random.OneIn(8) ? 300 : 6); left > 0; --left) {
    text += random.Pick(kPieces);
  }
  return text;
}

inline uint64_t RandomNumber(Random& random) {
  switch (random.Below(4)) {
    case 0: return random.Below(4);  // few values: equal ones meet
    case 1: return ~uint64_t{0} - random.Below(4);
    case 2: return uint64_t{1} << random.Below(64);
    default: return random.Bits();
  }
}

inline Cell RandomCell(const arrow::DataType& type, Random& random, bool may_be_null = true) {
  Cell cell = EmptyCell(type);
  if (may_be_null && random.OneIn(8)) {
    cell = Cell();
    cell.null = true;
    return cell;
  }
  if (random.OneIn(8)) return cell;
  switch (type.id()) {
    case arrow::Type::STRING:
    case arrow::Type::BINARY: cell.text = RandomText(random); break;
    case arrow::Type::DECIMAL128:
      cell.number = RandomNumber(random);
      cell.high =
          random.OneIn(2) ? Narrow(cell.number >> 63, 1) * ~uint64_t{0} : Narrow(random.Bits(), 56);
      break;
    case arrow::Type::FLOAT:
    case arrow::Type::DOUBLE: {
      static const std::vector<double> kValues = {0.0, -0.0, 0.1, -1.5, 1e30, INFINITY, NAN};
      const double value = random.Pick(kValues);
      cell.number = type.id() == arrow::Type::DOUBLE
                        ? std::bit_cast<uint64_t>(value)
                        : std::bit_cast<uint32_t>(static_cast<float>(value));
      if (random.OneIn(2)) cell.number = random.Bits();
      if (type.id() == arrow::Type::FLOAT) cell.number &= 0xFFFFFFFFU;
      break;
    }
    case arrow::Type::LIST:
    case arrow::Type::MAP: {
      const int fields = type.id() == arrow::Type::MAP ? 2 : 1;
      const arrow::DataType& entry =
          fields == 2 ? *type.field(0)->type() : type;  // a map's entries are structs
      for (size_t left = random.Below(4); left > 0; --left) {
        for (int i = 0; i < fields; ++i) {
          cell.items.push_back(RandomCell(*entry.field(i)->type(), random, fields == 1 || i == 1));
        }
      }
      break;
    }
    case arrow::Type::STRUCT:
      for (int i = 0; i < type.num_fields(); ++i) {
        cell.items[static_cast<size_t>(i)] = RandomCell(*type.field(i)->type(), random);
      }
      break;
    default: cell.number = Narrow(RandomNumber(random), BitsOf(type)); break;
  }
  return cell;
}

// As Arrow --------------------------------------------------------------------------------------

template <class Builder>
Builder& As(arrow::ArrayBuilder& builder) {
  return static_cast<Builder&>(builder);
}

inline arrow::Status Append(const Cell& cell, const arrow::DataType& type, uint64_t divisor,
                            arrow::ArrayBuilder& to) {
  using arrow::Type;
  if (cell.null) return to.AppendNull();
  const auto number = static_cast<int64_t>(cell.number);
  switch (type.id()) {
    case Type::BOOL: return As<arrow::BooleanBuilder>(to).Append(number != 0);
    case Type::INT8: return As<arrow::Int8Builder>(to).Append(static_cast<int8_t>(number));
    case Type::INT16: return As<arrow::Int16Builder>(to).Append(static_cast<int16_t>(number));
    case Type::INT32: return As<arrow::Int32Builder>(to).Append(static_cast<int32_t>(number));
    case Type::INT64: return As<arrow::Int64Builder>(to).Append(number);
    case Type::DATE32: return As<arrow::Date32Builder>(to).Append(static_cast<int32_t>(number));
    case Type::FLOAT:
      return As<arrow::FloatBuilder>(to).Append(
          std::bit_cast<float>(static_cast<uint32_t>(cell.number)));
    case Type::DOUBLE: return As<arrow::DoubleBuilder>(to).Append(std::bit_cast<double>(number));
    case Type::TIMESTAMP:
      return As<arrow::TimestampBuilder>(to).Append(number / static_cast<int64_t>(divisor));
    case Type::DECIMAL128:
      return As<arrow::Decimal128Builder>(to).Append(
          arrow::Decimal128(static_cast<int64_t>(cell.high), cell.number));
    case Type::STRING: return As<arrow::StringBuilder>(to).Append(cell.text);
    case Type::BINARY: return As<arrow::BinaryBuilder>(to).Append(cell.text);
    case Type::LIST: {
      auto& list = As<arrow::ListBuilder>(to);
      ARROW_RETURN_NOT_OK(list.Append());
      for (const Cell& item : cell.items) {
        ARROW_RETURN_NOT_OK(Append(item, *type.field(0)->type(), 1, *list.value_builder()));
      }
      return arrow::Status::OK();
    }
    case Type::MAP: {
      auto& map = As<arrow::MapBuilder>(to);
      const arrow::DataType& entry = *type.field(0)->type();
      ARROW_RETURN_NOT_OK(map.Append());
      for (size_t i = 0; i + 1 < cell.items.size(); i += 2) {
        ARROW_RETURN_NOT_OK(Append(cell.items[i], *entry.field(0)->type(), 1, *map.key_builder()));
        ARROW_RETURN_NOT_OK(
            Append(cell.items[i + 1], *entry.field(1)->type(), 1, *map.item_builder()));
      }
      return arrow::Status::OK();
    }
    case Type::STRUCT: {
      auto& fields = As<arrow::StructBuilder>(to);
      ARROW_RETURN_NOT_OK(fields.Append());
      for (int i = 0; i < type.num_fields(); ++i) {
        ARROW_RETURN_NOT_OK(Append(cell.items[static_cast<size_t>(i)], *type.field(i)->type(), 1,
                                   *fields.field_builder(i)));
      }
      return arrow::Status::OK();
    }
    default: return arrow::Status::NotImplemented(type.ToString());
  }
}

enum class Side { kSource, kTarget };

/// Column `index` of the rows.
inline std::shared_ptr<arrow::Array> MakeArray(const Column& column, size_t index, Side side,
                                               std::span<const Row* const> rows) {
  const auto& type = side == Side::kSource ? column.source : column.target;
  const uint64_t divisor = side == Side::kSource ? UnitsPerSource(column) : 1;
  auto builder = arrow::MakeBuilder(type).ValueOrDie();
  for (const Row* row : rows) {
    const arrow::Status appended = Append((*row)[index], *type, divisor, *builder);
    EXPECT_TRUE(appended.ok()) << appended.ToString();
  }
  return builder->Finish().ValueOrDie();
}

// Equality without a hash -----------------------------------------------------------------------

/// Equal texts mean equal values, as checksum.h has it: one NaN, two zeros, maps without an order.
inline void WriteCanonical(const Cell& cell, const arrow::DataType& type, std::string& to) {
  if (cell.null) {
    to += 'N';
    return;
  }
  uint64_t number = cell.number;
  constexpr uint64_t kNan = ~uint64_t{0};
  const bool is_float = type.id() == arrow::Type::FLOAT;
  if (is_float && std::isnan(std::bit_cast<float>(static_cast<uint32_t>(number)))) number = kNan;
  if (type.id() == arrow::Type::DOUBLE && std::isnan(std::bit_cast<double>(number))) number = kNan;
  const uint64_t words[] = {number, cell.high, cell.text.size(), cell.items.size()};
  to += 'V';
  to.append(reinterpret_cast<const char*>(words), sizeof words);
  to += cell.text;
  if (type.id() == arrow::Type::MAP) {
    std::vector<std::string> entries;
    for (size_t i = 0; i + 1 < cell.items.size(); i += 2) {
      WriteCanonical(cell.items[i], *type.field(0)->type()->field(0)->type(),
                     entries.emplace_back());
      WriteCanonical(cell.items[i + 1], *type.field(0)->type()->field(1)->type(), entries.back());
    }
    std::sort(entries.begin(), entries.end());
    for (const std::string& entry : entries) to += entry;
    return;
  }
  for (size_t i = 0; i < cell.items.size(); ++i) {
    const int field = type.id() == arrow::Type::LIST ? 0 : static_cast<int>(i);
    WriteCanonical(cell.items[i], *type.field(field)->type(), to);
  }
}

/// The values of one column, sorted.
inline std::vector<std::string> SortedColumn(const Table& table, const Rows& rows, size_t column) {
  std::vector<std::string> values(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    WriteCanonical(rows[i][column], *table.columns[column].target, values[i]);
  }
  std::sort(values.begin(), values.end());
  return values;
}

inline std::vector<std::string> SortedRows(const Table& table, const Rows& rows) {
  std::vector<std::string> values(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    for (size_t column = 0; column < table.columns.size(); ++column) {
      WriteCanonical(rows[i][column], *table.columns[column].target, values[i]);
    }
  }
  std::sort(values.begin(), values.end());
  return values;
}

// Random tables
// ---------------------------------------------------------------------------------------

struct TypePair {
  std::shared_ptr<arrow::DataType> source, target;
};

inline const std::vector<TypePair>& Types() {
  using arrow::TimeUnit;
  const auto same = [](std::shared_ptr<arrow::DataType> type) { return TypePair{type, type}; };
  static const std::vector<TypePair> types = {
      same(arrow::boolean()),
      same(arrow::int8()),
      same(arrow::int16()),
      same(arrow::int32()),
      same(arrow::int64()),
      {arrow::int8(), arrow::int64()},
      {arrow::int32(), arrow::int64()},
      same(arrow::float32()),
      same(arrow::float64()),
      same(arrow::decimal128(10, 2)),
      same(arrow::decimal128(38, 18)),
      same(arrow::utf8()),
      same(arrow::binary()),
      same(arrow::date32()),
      same(arrow::timestamp(TimeUnit::MILLI)),
      same(arrow::timestamp(TimeUnit::MICRO)),
      {arrow::timestamp(TimeUnit::MICRO, "UTC"), arrow::timestamp(TimeUnit::NANO)},
      {arrow::timestamp(TimeUnit::MILLI), arrow::timestamp(TimeUnit::NANO)},
      same(arrow::list(arrow::utf8())),
      same(arrow::list(arrow::float64())),
      same(arrow::map(arrow::utf8(), arrow::int64())),
      same(arrow::struct_({arrow::field("x", arrow::int32()), arrow::field("y", arrow::utf8()),
                           arrow::field("w", arrow::int32()),
                           arrow::field("at", arrow::timestamp(TimeUnit::NANO)),
                           arrow::field("z", arrow::list(arrow::decimal128(20, 3)))})),
  };
  return types;
}

inline Row RandomRow(const Table& table, Random& random) {
  Row row;
  for (const Column& column : table.columns) {
    const arrow::DataType& type = *column.target;
    Cell cell = RandomCell(type, random);
    if (type.id() == arrow::Type::TIMESTAMP || type.id() == arrow::Type::INT64) {
      // Only what the source's type holds too.
      const auto factor = static_cast<int64_t>(UnitsPerSource(column));
      cell.number = Narrow(cell.number, BitsOf(*column.source));
      cell.number -= static_cast<uint64_t>(static_cast<int64_t>(cell.number) % factor);
    }
    row.push_back(std::move(cell));
    if (!column.added) continue;
    row.back() = Cell();
    row.back().null = true;
  }
  return row;
}

/// Two columns of one type.
using Twins = std::pair<size_t, size_t>;

inline Twins PickTwins(const Table& table, Random& random) {
  std::vector<Twins> twins;
  for (size_t one = 0; one < table.copied_columns(); ++one) {
    for (size_t other = one + 1; other < table.copied_columns(); ++other) {
      const Column& column = table.columns[one];
      if (!column.target->Equals(*table.columns[other].target)) continue;
      if (!column.source->Equals(*table.columns[other].source)) continue;
      twins.emplace_back(one, other);
    }
  }
  return random.Pick(twins);  // RandomTable makes two
}

/// One like no other, or the row before once more, or that one's values of two columns crossed.
inline Row NextRow(const Table& table, const Rows& rows, Random& random) {
  Row row = RandomRow(table, random);
  if (rows.empty() || !random.OneIn(8)) return row;
  if (random.OneIn(2)) return rows.back();
  const auto [one, other] = PickTwins(table, random);
  row[one] = rows.back()[other];
  row[other] = rows.back()[one];
  return row;
}

inline Table RandomTable(Random& random) {
  Table table;
  for (size_t left = 2 + random.Below(5); left > 0; --left) {
    const TypePair& pair = random.Pick(Types());
    table.columns.push_back({"", pair.source, pair.target, false});
  }
  table.columns.push_back(random.Pick(table.columns));  // two of a type
  random.Shuffle(table.columns);
  if (random.OneIn(4)) table.columns.push_back({"", arrow::utf8(), arrow::utf8(), true});
  for (size_t i = 0; i < table.columns.size(); ++i) {
    table.columns[i].name = "c" + std::to_string(i);
  }
  const size_t levels = random.Below(3);
  for (size_t left = levels == 0 ? 1 : 1 + random.Below(5); left > 0; --left) {
    std::vector<std::string> values;
    for (size_t i = 0; i < levels; ++i) values.push_back("p" + std::to_string(random.Below(20)));
    Rows& rows = table.partitions[values];
    for (size_t count = 1 + random.Below(30); count > 0; --count) {
      rows.push_back(NextRow(table, rows, random));
    }
  }
  return table;
}

}  // namespace mms::migration::sample
