// The proof, proven: 1,000 seeded damages of what was copied, each found and named by partition
// and, where it changed columns, by column; and 1,000 copies that are whole, none called damaged.
//
// A run makes a random table of random types, hashes it as workers do at the source (blocks, each
// a Hasher, merged; the sum through the ledger's JSON), damages the target's rows, hashes those as
// they are read back (a session a partition, or one SELECT over all; rows in another order, other
// ranges, wider types) and judges every partition by CompareChecksums. What must be said comes from
// the rows themselves, compared without a hash.
//
// A failure prints what repeats it: MMS_MUTATION_SEED is the first seed (random when unset),
// MMS_MUTATION_RUNS how many runs each test makes (1,000).
#include <gtest/gtest.h>

#include <cstdlib>
#include <functional>
#include <nlohmann/json.hpp>
#include <set>

#include "migration/checksum/checksum.h"
#include "migration/checksum/partition_hasher.h"
#include "migration/verify/compare.h"
#include "migration/verify/sample_rows.h"

namespace mms::migration::sample {
namespace {

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

uint64_t FirstSeed() {
  static const uint64_t seed = FromEnvironment("MMS_MUTATION_SEED", std::random_device{}());
  return seed;
}

uint64_t Runs() { return FromEnvironment("MMS_MUTATION_RUNS", 1000); }

// The two readings --------------------------------------------------------------------------------

/// Cuts `batch` somewhere, hands each part on.
void CutRandomly(const arrow::RecordBatch& batch, Random& random,
                 const std::function<void(const arrow::RecordBatch&)>& part) {
  for (int64_t begin = 0; begin < batch.num_rows();) {
    const auto left = static_cast<size_t>(batch.num_rows() - begin);
    const auto count = static_cast<int64_t>(1 + random.Below(random.OneIn(3) ? left : 7));
    const auto slice = batch.Slice(begin, count);
    part(*slice);
    begin += slice->num_rows();
  }
}

std::shared_ptr<arrow::RecordBatch> MakeBatch(const Table& table, Side side,
                                              const std::vector<const Row*>& rows,
                                              arrow::ArrayVector arrays = {}) {
  const size_t columns = side == Side::kSource ? table.copied_columns() : table.columns.size();
  for (size_t i = 0; i < columns; ++i) {
    arrays.push_back(MakeArray(table.columns[i], i, side, rows));
  }
  arrow::FieldVector fields;
  for (const auto& array : arrays) fields.push_back(arrow::field("c", array->type()));
  return arrow::RecordBatch::Make(arrow::schema(fields), static_cast<int64_t>(rows.size()),
                                  std::move(arrays));
}

Checksum HashRows(const Table& table, Side side, const Rows& rows, Random& random) {
  std::vector<const Row*> order;
  for (const Row& row : rows) order.push_back(&row);
  random.Shuffle(order);
  Checksum whole;
  CutRandomly(*MakeBatch(table, side, order), random, [&](const arrow::RecordBatch& block) {
    Hasher hasher(table.copied_columns());
    CutRandomly(block, random, [&](const arrow::RecordBatch& batch) {
      EXPECT_TRUE(hasher.Update(batch).has_value());
    });
    whole.Merge(hasher.checksum());
  });
  return whole;
}

using Readings = std::map<std::vector<std::string>, Checksum>;

Readings ReadBySessions(const Table& target, Random& random) {
  Readings readings;
  for (const auto& [values, rows] : target.partitions) {
    readings[values] = HashRows(target, Side::kTarget, rows, random);
  }
  return readings;
}

Readings ReadBySelect(const Table& target, Random& random) {
  std::vector<std::pair<const std::vector<std::string>*, const Row*>> all;
  for (const auto& [values, rows] : target.partitions) {
    for (const Row& row : rows) all.emplace_back(&values, &row);
  }
  random.Shuffle(all);
  std::vector<const Row*> rows;
  const size_t levels = target.partitions.begin()->first.size();
  std::vector<arrow::StringBuilder> builders(levels);
  for (const auto& [values, row] : all) {
    rows.push_back(row);
    for (size_t level = 0; level < levels; ++level) {
      EXPECT_TRUE(builders[level].Append((*values)[level]).ok());
    }
  }
  arrow::ArrayVector arrays;
  for (arrow::StringBuilder& builder : builders) arrays.push_back(builder.Finish().ValueOrDie());
  Readings readings;
  CutRandomly(*MakeBatch(target, Side::kTarget, rows, std::move(arrays)), random,
              [&](const arrow::RecordBatch& range) {
                PartitionHasher hasher(levels, target.copied_columns());
                CutRandomly(range, random, [&](const arrow::RecordBatch& batch) {
                  EXPECT_TRUE(hasher.Update(batch).has_value());
                });
                Merge(hasher.checksums(), &readings);
              });
  return readings;
}

std::string PartitionText(const std::vector<std::string>& values) {
  std::string text;
  for (size_t i = 0; i < values.size(); ++i) {
    text += (i > 0 ? "/l" : "l") + std::to_string(i) + "=" + values[i];
  }
  return text;
}

/// What `mms` says of each partition.
std::map<std::string, Ledger::Comparison> Judge(const Table& source, const Table& target,
                                                Random& random) {
  const bool is_partitioned = !source.partitions.begin()->first.empty();
  const Readings readings = is_partitioned && random.OneIn(2) ? ReadBySelect(target, random)
                                                              : ReadBySessions(target, random);
  std::map<std::string, Ledger::Comparison> judged;
  for (const auto& [values, rows] : source.partitions) {
    const Checksum taken = HashRows(source, Side::kSource, rows, random);
    auto kept = ChecksumFromJson(ToJson(taken));
    EXPECT_TRUE(kept.has_value());
    Claim claim{PartitionText(values), taken.rows, *kept, {}};
    for (const Column& column : target.columns) claim.columns.push_back(column.name);
    const auto found = readings.find(values);
    const Checksum read = found == readings.end() ? Checksum() : found->second;
    judged[claim.partition] = CompareChecksums(claim, read);
  }
  return judged;
}

// Damages -----------------------------------------------------------------------------------------

/// Each changes the target's rows, or returns false when this table has no place for it.
using Damage = std::function<bool(Table&, Random&)>;

Rows& PickRows(Table& table, Random& random) {
  auto at = table.partitions.begin();
  std::advance(at, static_cast<ptrdiff_t>(random.Below(table.partitions.size())));
  return at->second;
}

size_t PickCopied(const Table& table, Random& random) {
  return random.Below(table.copied_columns());
}

bool LoseRow(Table& table, Random& random) {
  Rows& rows = PickRows(table, random);
  rows.erase(rows.begin() + static_cast<ptrdiff_t>(random.Below(rows.size())));
  return true;
}

bool DoubleRow(Table& table, Random& random) {
  Rows& rows = PickRows(table, random);
  rows.push_back(Row(random.Pick(rows)));
  return true;
}

bool LoseOneDoubleAnother(Table& table, Random& random) {
  Rows& rows = PickRows(table, random);
  rows[random.Below(rows.size())] = Row(random.Pick(rows));
  return true;
}

bool MoveRow(Table& table, Random& random) {
  Rows& from = PickRows(table, random);
  Rows& to = PickRows(table, random);
  if (&from == &to) return false;
  to.push_back(std::move(from.back()));
  from.pop_back();
  return true;
}

bool ExchangeRows(Table& table, Random& random) {
  Rows& one = PickRows(table, random);
  Rows& other = PickRows(table, random);
  if (&one == &other) return false;
  std::swap(one[random.Below(one.size())], other[random.Below(other.size())]);
  return true;
}

bool SwapColumnsOfRow(Table& table, Random& random) {
  const auto [one, other] = PickTwins(table, random);
  Rows& rows = PickRows(table, random);
  Row& row = rows[random.Below(rows.size())];
  std::swap(row[one], row[other]);
  return true;
}

bool SwapColumns(Table& table, Random& random) {
  const auto [one, other] = PickTwins(table, random);
  for (Row& row : PickRows(table, random)) std::swap(row[one], row[other]);
  return true;
}

bool AreEqual(const Cell& one, const Cell& other, const arrow::DataType& type) {
  std::string texts[2];
  WriteCanonical(one, type, texts[0]);
  WriteCanonical(other, type, texts[1]);
  return texts[0] == texts[1];
}

/// Two rows hold each other's values in two columns: swapped in both, columns keep their values and
/// each row keeps its own, in other places.
bool SwapCrossedColumns(Table& table, Random& random) {
  const auto [one, other] = PickTwins(table, random);
  const arrow::DataType& type = *table.columns[one].target;
  Rows& rows = PickRows(table, random);
  for (size_t i = 0; i + 1 < rows.size(); ++i) {
    if (!AreEqual(rows[i][one], rows[i + 1][other], type)) continue;
    if (!AreEqual(rows[i][other], rows[i + 1][one], type)) continue;
    std::swap(rows[i][one], rows[i][other]);
    std::swap(rows[i + 1][one], rows[i + 1][other]);
    return true;
  }
  return false;
}

/// Column values as a whole stay, rows change.
bool ExchangeValues(Table& table, Random& random) {
  Rows& rows = PickRows(table, random);
  const size_t column = PickCopied(table, random);
  std::swap(rows[random.Below(rows.size())][column], rows[random.Below(rows.size())][column]);
  return true;
}

bool NullForEmpty(Table& table, Random& random) {
  Rows& rows = PickRows(table, random);
  const size_t column = PickCopied(table, random);
  const arrow::DataType& type = *table.columns[column].target;
  Cell& cell = rows[random.Below(rows.size())][column];
  if (cell.null) {
    cell = EmptyCell(type);
    return true;
  }
  if (!IsEmpty(cell, type)) return false;
  cell = Cell();
  cell.null = true;
  return true;
}

/// A value at the top or within a nested one that is of the wanted type, or null.
Cell* PickLeaf(Cell& cell, const arrow::DataType& type, Random& random,
               const arrow::DataType** leaf_type) {
  if (cell.null) return nullptr;
  *leaf_type = &type;
  const bool is_nested = type.num_fields() > 0;
  if (!is_nested) return &cell;
  if (cell.items.empty()) return nullptr;
  const size_t item = random.Below(cell.items.size());
  const arrow::DataType* item_type = type.field(0)->type().get();
  if (type.id() == arrow::Type::STRUCT)
    item_type = type.field(static_cast<int>(item))->type().get();
  if (type.id() == arrow::Type::MAP) {
    item_type = item_type->field(static_cast<int>(item % 2))->type().get();
  }
  return PickLeaf(cell.items[item], *item_type, random, leaf_type);
}

Cell* PickLeaf(Table& table, Random& random, const arrow::DataType** leaf_type) {
  Rows& rows = PickRows(table, random);
  const size_t column = PickCopied(table, random);
  return PickLeaf(rows[random.Below(rows.size())][column], *table.columns[column].target, random,
                  leaf_type);
}

bool IsText(const arrow::DataType& type) {
  return type.id() == arrow::Type::STRING || type.id() == arrow::Type::BINARY;
}

bool AddMicrosecond(Table& table, Random& random) {
  const arrow::DataType* type = nullptr;
  Cell* cell = PickLeaf(table, random, &type);
  if (cell == nullptr || type->id() != arrow::Type::TIMESTAMP) return false;
  if (UnitOf(*type) < arrow::TimeUnit::MICRO) return false;
  cell->number += UnitOf(*type) == arrow::TimeUnit::MICRO ? 1 : 1000;
  return true;
}

bool FlipBit(Table& table, Random& random) {
  const arrow::DataType* type = nullptr;
  Cell* cell = PickLeaf(table, random, &type);
  if (cell == nullptr) return false;
  if (IsText(*type)) {
    if (cell->text.empty()) return false;
    char& byte = cell->text[random.Below(cell->text.size())];
    byte = static_cast<char>(byte ^ (1 << random.Below(8)));
    return true;
  }
  uint64_t& word =
      type->id() == arrow::Type::DECIMAL128 && random.OneIn(2) ? cell->high : cell->number;
  const int bits = BitsOf(*type);
  word ^= uint64_t{1} << random.Below(static_cast<size_t>(bits));
  if (type->id() != arrow::Type::FLOAT) word = Narrow(word, bits);
  return true;
}

bool CutOrPadText(Table& table, Random& random) {
  const arrow::DataType* type = nullptr;
  Cell* cell = PickLeaf(table, random, &type);
  if (cell == nullptr || !IsText(*type)) return false;
  if (random.OneIn(2)) {
    cell->text += random.OneIn(2) ? ' ' : '\0';
  } else if (!cell->text.empty()) {
    cell->text.pop_back();
  }
  return true;
}

/// A list's items, a map's values among its keys, a struct's fields of one type.
bool ReorderWithinValue(Table& table, Random& random) {
  Rows& rows = PickRows(table, random);
  const size_t column = PickCopied(table, random);
  const arrow::DataType& type = *table.columns[column].target;
  std::vector<Cell>& items = rows[random.Below(rows.size())][column].items;
  if (items.size() < 2) return false;
  size_t one = random.Below(items.size());
  size_t other = random.Below(items.size());
  if (type.id() == arrow::Type::MAP) {
    one |= 1;
    other |= 1;
  } else if (type.id() == arrow::Type::STRUCT) {
    const auto& fields = type.fields();
    if (!fields[one]->type()->Equals(*fields[other]->type())) return false;
  }
  std::swap(items[one], items[other]);
  return true;
}

bool FillAddedColumn(Table& table, Random& random) {
  if (!table.columns.back().added) return false;
  Rows& rows = PickRows(table, random);
  rows[random.Below(rows.size())].back() = Cell();
  return true;
}

struct NamedDamage {
  const char* name;
  Damage damage;
};

const std::vector<NamedDamage>& Damages() {
  static const std::vector<NamedDamage> damages = {
      {"a row lost", LoseRow},
      {"a row doubled", DoubleRow},
      {"a row lost, another doubled", LoseOneDoubleAnother},
      {"a row moved to another partition", MoveRow},
      {"rows of two partitions exchanged", ExchangeRows},
      {"two columns of a type swapped in one row", SwapColumnsOfRow},
      {"two columns of a type swapped in a partition", SwapColumns},
      {"two columns of a type swapped in two rows that cross", SwapCrossedColumns},
      {"a column's values exchanged between two rows", ExchangeValues},
      {"NULL for an empty value, or the other way round", NullForEmpty},
      {"a microsecond added", AddMicrosecond},
      {"a bit flipped", FlipBit},
      {"a text cut or padded by a character", CutOrPadText},
      {"the parts of a nested value in another order", ReorderWithinValue},
      {"a value in a column that was added since", FillAddedColumn},
  };
  return damages;
}

// What must be said -------------------------------------------------------------------------------

/// Empty when the partition is whole; the words that its difference must end with otherwise, but
/// for the numbers of NULLs, which WithoutNullCounts takes out.
std::string WantedDifference(const Table& source, const Table& target,
                             const std::vector<std::string>& values) {
  const Rows& before = source.partitions.at(values);
  const Rows& after = target.partitions.at(values);
  const std::string where =
      values.empty() ? "table: " : "partition " + PartitionText(values) + ": ";
  const std::string rows = std::to_string(before.size()) + " rows ";
  if (before.size() != after.size()) {
    return where + rows + "at the source, " + std::to_string(after.size()) + " at the target";
  }
  if (SortedRows(source, before) == SortedRows(target, after)) return "";
  std::string names;
  size_t count = 0;
  for (size_t i = 0; i < source.columns.size(); ++i) {
    if (SortedColumn(source, before, i) == SortedColumn(target, after, i)) continue;
    if (source.columns[i].added) {
      return where + rows + "on both sides; column " + source.columns[i].name +
             " was added after the rows were copied and has values";
    }
    names += (++count > 1 ? ", " : "") + source.columns[i].name;
  }
  const std::string said =
      count == 0 ? "each column holds the right values, but they are joined into other rows"
                 : "values differ in column" + std::string(count > 1 ? "s " : " ") + names;
  return where + rows + "on both sides; " + said;
}

std::string WithoutNullCounts(std::string text) {
  for (size_t open = text.find(" ("); open != std::string::npos; open = text.find(" (")) {
    text.erase(open, text.find(')', open) + 1 - open);
  }
  return text;
}

/// How many partitions the two differ in; each of them, and no other, must be called so.
size_t ExpectJudgedRight(const Table& source, const Table& target, Random& random) {
  size_t damaged = 0;
  auto judged = Judge(source, target, random);
  for (const auto& [values, rows] : source.partitions) {
    const Ledger::Comparison& said = judged.at(PartitionText(values));
    const std::string wanted = WantedDifference(source, target, values);
    damaged += wanted.empty() ? 0 : 1;
    EXPECT_EQ(said.verdict, wanted.empty() ? Verdict::kMatch : Verdict::kMismatch) << wanted;
    EXPECT_EQ(WithoutNullCounts(said.difference), wanted);
  }
  return damaged;
}

bool IsWhole(const Table& source, const Table& target) {
  for (const auto& [values, rows] : source.partitions) {
    if (!WantedDifference(source, target, values).empty()) return false;
  }
  return true;
}

/// Another form of the same value: a map's entries in another order, NaN by other bits.
void WriteOtherwise(Cell& cell, const arrow::DataType& type, Random& random) {
  if (cell.null) return;
  const bool is_nan =
      type.id() == arrow::Type::DOUBLE
          ? std::isnan(std::bit_cast<double>(cell.number))
          : type.id() == arrow::Type::FLOAT &&
                std::isnan(std::bit_cast<float>(static_cast<uint32_t>(cell.number)));
  if (is_nan) cell.number ^= 1U << random.Below(16);  // the quiet bit, which makes it one, stays
  const size_t entries = type.id() == arrow::Type::MAP ? cell.items.size() / 2 : 0;
  if (entries < 2) return;
  const size_t one = 2 * random.Below(entries);
  const size_t other = 2 * random.Below(entries);
  std::swap(cell.items[one], cell.items[other]);
  std::swap(cell.items[one + 1], cell.items[other + 1]);
}

std::string HowToRepeat(uint64_t seed) {
  return "repeat by MMS_MUTATION_RUNS=1 MMS_MUTATION_SEED=" + std::to_string(seed);
}

TEST(Mutation, EveryDamageOfTheTargetIsFoundAndNamedByPartitionAndColumn) {
  std::set<std::string> damaged_types;
  for (uint64_t seed = FirstSeed(); seed < FirstSeed() + Runs(); ++seed) {
    const NamedDamage& damage = Damages()[seed % Damages().size()];
    SCOPED_TRACE(std::string(damage.name) + "; " + HowToRepeat(seed));
    Random random(seed);
    Table source, target;
    // Until there is a place for it, and it changes something: equal rows may well be exchanged.
    do {
      source = RandomTable(random);
      target = source;
    } while (!damage.damage(target, random) || IsWhole(source, target));
    EXPECT_GE(ExpectJudgedRight(source, target, random), 1u);
    if (HasFailure()) return;
    for (const Column& column : source.columns) damaged_types.insert(column.target->ToString());
  }
  if (Runs() < 1000) return;
  std::set<std::string> all;
  for (const TypePair& pair : Types()) all.insert(pair.target->ToString());
  EXPECT_EQ(damaged_types, all) << "not every type was in a damaged table";
}

TEST(Mutation, NoWholeCopyIsCalledDamaged) {
  for (uint64_t seed = FirstSeed(); seed < FirstSeed() + Runs(); ++seed) {
    SCOPED_TRACE(HowToRepeat(seed));
    Random random(seed);
    const Table source = RandomTable(random);
    Table target = source;
    for (auto& [values, rows] : target.partitions) {
      random.Shuffle(rows);
      for (Row& row : rows) {
        for (size_t i = 0; i < row.size(); ++i) {
          WriteOtherwise(row[i], *target.columns[i].target, random);
        }
      }
    }
    EXPECT_EQ(ExpectJudgedRight(source, target, random), 0u);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace mms::migration::sample
