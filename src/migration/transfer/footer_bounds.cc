#include "migration/transfer/footer_bounds.h"

#include <arrow/buffer.h>
#include <arrow/io/interfaces.h>
#include <arrow/type.h>
#include <parquet/arrow/schema.h>
#include <parquet/metadata.h>
#include <parquet/properties.h>
#include <parquet/schema.h>
#include <parquet/statistics.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "clients/azure/arrow_error.h"
#include "migration/transfer/calendar.h"
#include "migration/transfer/fit.h"

namespace mms::migration {
namespace {

/// Holds most footers; a request is what costs.
constexpr int64_t kTailBytes = 64 << 10;
/// The footer's length and the magic number.
constexpr int64_t kEndBytes = 8;
/// Before it a zone's offset may be another one in the old calendar (calendar.h).
constexpr int64_t kZonesAgreeDay = -25'567;  // 1900-01-01

using parquet::arrow::SchemaField;

Error Unreadable(const std::string& name, const std::string& why) {
  return azure::FromArrow(arrow::Status::Invalid(why), name);
}

FieldMatch MatchOf(const TablePlan& plan) {
  if (plan.format != kDeltaFormat) return FieldMatch::kAnyCase;
  return plan.column_mapping == "id" ? FieldMatch::kId : FieldMatch::kName;
}

/// A field of the file and the table's for it.
struct Pair {
  const SchemaField* file = nullptr;  ///< null = the file does not have it: all NULL
  const arrow::Field* table = nullptr;
};

Result<const SchemaField*> FindAmong(const std::vector<SchemaField>& fields,
                                     const arrow::Field& wanted, FieldMatch match) {
  arrow::FieldVector have;
  for (const SchemaField& field : fields) have.push_back(field.field);
  TRY(const int index, FindField(have, wanted, match));
  return index < 0 ? nullptr : &fields[static_cast<size_t>(index)];
}

/// One step of a LeafPath down; nullopt when the file's field is of another shape.
Result<std::optional<Pair>> Below(const Pair& pair, int step, FieldMatch match) {
  const arrow::DataType& type = *pair.table->type();
  if (type.id() != pair.file->field->type()->id()) return std::optional<Pair>();
  const auto& children = pair.file->children;
  if (type.id() == arrow::Type::STRUCT) {
    Pair below{nullptr, type.field(step).get()};
    TRY(below.file, FindAmong(children, *below.table, match));
    return std::optional(below);
  }
  if (type.id() == arrow::Type::LIST && children.size() == 1) {
    return std::optional(Pair{&children[0], type.field(0).get()});
  }
  const auto at = static_cast<size_t>(step);
  if (type.id() == arrow::Type::MAP && children.size() == 1 && at < children[0].children.size()) {
    return std::optional(Pair{&children[0].children[at], type.field(0)->type()->field(step).get()});
  }
  return std::optional<Pair>();
}

/// Of the units in which the leaf's INT32 or INT64 counts, how many a day has; 0 = it has none, or
/// keeps no statistics.
int64_t UnitsPerDay(const parquet::ColumnDescriptor& leaf) {
  constexpr int64_t kMillis = 86'400'000;
  const auto& type = leaf.logical_type();
  if (!type) return 0;
  if (type->is_date() && leaf.physical_type() == parquet::Type::INT32) return 1;
  if (!type->is_timestamp() || leaf.physical_type() != parquet::Type::INT64) return 0;
  switch (static_cast<const parquet::TimestampLogicalType&>(*type).time_unit()) {
    case parquet::LogicalType::TimeUnit::MILLIS: return kMillis;
    case parquet::LogicalType::TimeUnit::MICROS: return kMillis * 1000;
    case parquet::LogicalType::TimeUnit::NANOS: return kMillis * 1'000'000;
    case parquet::LogicalType::TimeUnit::UNKNOWN: return 0;
  }
  return 0;
}

std::optional<std::pair<int64_t, int64_t>> MinMaxOf(const parquet::Statistics& statistics) {
  if (!statistics.HasMinMax()) return std::nullopt;
  if (statistics.physical_type() == parquet::Type::INT32) {
    const auto& typed = static_cast<const parquet::Int32Statistics&>(statistics);
    return std::pair<int64_t, int64_t>(typed.min(), typed.max());
  }
  if (statistics.physical_type() == parquet::Type::INT64) {
    const auto& typed = static_cast<const parquet::Int64Statistics&>(statistics);
    return std::pair<int64_t, int64_t>(typed.min(), typed.max());
  }
  return std::nullopt;
}

LeafBounds BoundsOfLeaf(const parquet::FileMetaData& footer, int leaf) {
  LeafBounds bounds;
  bounds.covers_all = true;
  bounds.bytes_max = 0;
  const int64_t per_day = UnitsPerDay(*footer.schema()->Column(leaf));
  for (int i = 0; i < footer.num_row_groups(); ++i) {
    const auto chunk = footer.RowGroup(i)->ColumnChunk(leaf);
    if (chunk->num_values() == 0) continue;
    bounds.bytes_max = std::max(
        {*bounds.bytes_max, chunk->total_uncompressed_size(), chunk->total_compressed_size()});
    const auto statistics = chunk->statistics();
    const bool all_null =
        statistics && statistics->HasNullCount() && statistics->null_count() == chunk->num_values();
    if (all_null) continue;
    const auto range = statistics && per_day > 0 ? MinMaxOf(*statistics) : std::nullopt;
    if (!range) {
      bounds.covers_all = false;
      continue;
    }
    const Instant low = InstantOf(range->first, per_day);
    const Instant high = InstantOf(range->second, per_day);
    bounds.low = bounds.low ? std::min(*bounds.low, low) : low;
    bounds.high = bounds.high ? std::max(*bounds.high, high) : high;
  }
  return bounds;
}

/// What the reader makes of bounds in the old calendar, as far as it is the same in every zone.
void Rebase(const Calendars& calendars, bool date, LeafBounds* bounds) {
  if (!calendars.old_dates) return;
  for (std::optional<Instant>* bound : {&bounds->low, &bounds->high}) {
    if (!*bound) continue;
    if (!date) {
      if ((*bound)->day < kZonesAgreeDay) bound->reset();
    } else if (const auto day = FromHybridDays(static_cast<int32_t>((*bound)->day))) {
      (*bound)->day = *day;
    } else {
      bound->reset();
    }
    if (!*bound) bounds->covers_all = false;
  }
}

Result<LeafBounds> BoundsAt(const parquet::FileMetaData& footer,
                            const parquet::arrow::SchemaManifest& manifest, const TablePlan& plan,
                            const LeafPath& path) {
  const FieldMatch match = MatchOf(plan);
  LeafBounds absent;
  absent.covers_all = true;
  absent.bytes_max = 0;
  Pair pair{nullptr, plan.physical->field(path.front()).get()};
  TRY(pair.file, FindAmong(manifest.schema_fields, *pair.table, match));
  for (size_t i = 1; i < path.size(); ++i) {
    if (pair.file == nullptr) return absent;
    TRY(const auto below, Below(pair, path[i], match));
    if (!below) return LeafBounds();
    pair = *below;
  }
  if (pair.file == nullptr) return absent;
  if (!pair.file->is_leaf()) return LeafBounds();
  const int leaf = pair.file->column_index;
  LeafBounds bounds = BoundsOfLeaf(footer, leaf);
  Rebase(CalendarsOf(footer.key_value_metadata().get()),
         UnitsPerDay(*footer.schema()->Column(leaf)) == 1, &bounds);
  return bounds;
}

}  // namespace

Result<Footer> ReadFooter(arrow::io::RandomAccessFile& file, int64_t size_bytes,
                          const std::string& name) {
  Footer footer;
  const auto read = [&](int64_t bytes) -> Result<std::shared_ptr<arrow::Buffer>> {
    auto tail = file.ReadAt(size_bytes - bytes, bytes);
    if (!tail.ok()) return azure::FromArrow(tail.status(), name);
    ++footer.requests;
    footer.bytes += (*tail)->size();
    if ((*tail)->size() != bytes) return Unreadable(name, "is shorter than its table says");
    return *std::move(tail);
  };
  TRY(auto tail, read(std::min(size_bytes, kTailBytes)));
  if (tail->size() < kEndBytes || std::memcmp(tail->data() + tail->size() - 4, "PAR1", 4) != 0) {
    return Unreadable(name, "does not end as a Parquet file with a footer that can be read");
  }
  uint32_t length = 0;  // little-endian, as every machine that this is built for
  std::memcpy(&length, tail->data() + tail->size() - kEndBytes, sizeof length);
  const int64_t wanted = int64_t{length} + kEndBytes;
  if (wanted > size_bytes) return Unreadable(name, "has a footer that is longer than the file");
  if (wanted > tail->size()) {
    TRY(tail, read(wanted));
  }
  try {
    footer.metadata =
        parquet::FileMetaData::Make(tail->data() + tail->size() - wanted, int64_t{length});
  } catch (const std::exception& thrown) {
    return Unreadable(name, thrown.what());
  }
  return footer;
}

Result<std::vector<LeafBounds>> BoundsOf(const parquet::FileMetaData& footer, const TablePlan& plan,
                                         const std::vector<LeafPath>& leaves) {
  try {
    parquet::arrow::SchemaManifest manifest;
    const parquet::ArrowReaderProperties properties(/*use_threads=*/false);
    const arrow::Status made = parquet::arrow::SchemaManifest::Make(
        footer.schema(), footer.key_value_metadata(), properties, &manifest);
    if (!made.ok()) return azure::FromArrow(made, plan.source_name);
    std::vector<LeafBounds> bounds;
    for (const LeafPath& leaf : leaves) {
      TRY(LeafBounds found, BoundsAt(footer, manifest, plan, leaf));
      bounds.push_back(found);
    }
    return bounds;
  } catch (const std::exception& thrown) {  // of parquet-cpp: its low-level calls throw
    return Unreadable(plan.source_name, thrown.what());
  }
}

}  // namespace mms::migration
