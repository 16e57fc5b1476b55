// What each stage between a Parquet file and the socket costs: hot_path FOLDER [ROUNDS [BATCH_KIB]]
//
// Reads the Delta table in a local FOLDER on one thread with the code of a worker, and throws the
// bytes away. Each stage does what the one before does, and its own: so the difference is its
// price.
//   decode    slice reader: Parquet to record batches of the table's schema
//   convert   and the target's types, text checked
//   frame     and Arrow IPC, Tunnel framing, checksums of the chunks
//   checksum  and the typed row checksum of `verify: checksum`
#include <fmt/format.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "clients/azure/location.h"
#include "clients/maxcompute/arrow_frame.h"
#include "migration/inspect/inspect.h"
#include "migration/plan/plan.h"
#include "migration/transfer/split_source.h"

#include <arrow/compute/initialize.h>
#include <arrow/record_batch.h>

namespace mms::migration {
namespace {

constexpr size_t kSocketBufferBytes = 512 * 1024;

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

Result<int64_t> Decode(const ReadContext& context, const Split& split) {
  int64_t rows = 0;
  for (const FileSlice& slice : split.slices) {
    TRY(const auto reader, SliceReader::Open(context, slice));
    for (;;) {
      TRY(const auto batch, reader->Next());
      if (!batch) break;
      rows += batch->num_rows();
    }
  }
  return rows;
}

Result<int64_t> Convert(const ReadContext& context, const Split& split) {
  SplitSource source(context, split, {.checksum = false, .on_progress = nullptr});
  for (;;) {
    TRY(const auto batch, source.Next());
    if (!batch) return source.rows();
  }
}

Result<int64_t> Frame(const ReadContext& context, const Split& split, bool checksum) {
  SplitSource source(context, split, {.checksum = checksum, .on_progress = nullptr});
  maxcompute::ArrowFrameEncoder encoder(&source);
  std::vector<char> buffer(kSocketBufferBytes);
  for (;;) {
    TRY(const size_t size, encoder.Read(buffer));
    if (size == 0) return source.rows();
  }
}

using Stage = Result<int64_t> (*)(const ReadContext&, const Split&);

Status Measure(const char* name, Stage stage, const ReadContext& context, int rounds) {
  for (int round = 0; round < rounds; ++round) {
    const auto begun = std::chrono::steady_clock::now();
    const double cpu_s = CpuSeconds();
    int64_t rows = 0;
    for (const UnitPlan& unit : context.plan->units) {
      for (const Split& split : unit.splits) {
        TRY(const int64_t copied, stage(context, split));
        rows += copied;
      }
    }
    const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - begun;
    fmt::print(
        "{{\"stage\": \"{}\", \"round\": {}, \"rows\": {}, \"wall_s\": {:.3f}, \"cpu_s\": "
        "{:.3f}}}\n",
        name, round, rows, wall.count(), CpuSeconds() - cpu_s);
  }
  return OkStatus();
}

Status Run(const std::string& folder, int rounds, int64_t batch_kib) {
  if (const arrow::Status ready = arrow::compute::Initialize(); !ready.ok()) {
    return Error(ErrorKind::kInternal, "ARROW", ready.ToString());
  }
  Source source({}, nullptr);
  SourceTable table;
  table.name = table.table = folder;
  table.target_as = "bench";
  TRY(table.location, azure::ParseLocation("file://" + folder));
  TRY(const auto storage, source.StorageFor(table.location));
  TRY(const Snapshot snapshot, source.Inspect(table, std::nullopt));
  TRY(const TablePlan plan, MakePlan(snapshot, {}, std::nullopt));
  ReadContext context;
  context.plan = &plan;
  context.storage = storage.get();
  if (batch_kib > 0) context.batch_bytes = batch_kib << 10;
  context.read_deletion_vector = [](const delta::DeletionVector&) -> Result<std::vector<uint64_t>> {
    return Error(ErrorKind::kUnsupported, "BENCH_TABLE",
                 "a table with deletion vectors; take another");
  };
  const Stage frame = [](const ReadContext& c, const Split& s) { return Frame(c, s, false); };
  const Stage checksum = [](const ReadContext& c, const Split& s) { return Frame(c, s, true); };
  TRY_VOID(Measure("decode", Decode, context, rounds));
  TRY_VOID(Measure("convert", Convert, context, rounds));
  TRY_VOID(Measure("frame", frame, context, rounds));
  return Measure("checksum", checksum, context, rounds);
}

}  // namespace
}  // namespace mms::migration

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr, "usage: hot_path FOLDER [ROUNDS [BATCH_KIB]]\n");
    return 2;
  }
  const int rounds = argc > 2 ? std::atoi(argv[2]) : 3;
  const auto status = mms::migration::Run(argv[1], rounds, argc > 3 ? std::atoi(argv[3]) : 0);
  if (status) return 0;
  fmt::print(stderr, "hot_path: {}\n", status.error().ToString());
  return 1;
}
