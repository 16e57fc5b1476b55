#include "clients/maxcompute/probe.h"

#include <arrow/record_batch.h>

#include <iterator>

#include "clients/maxcompute/tunnel_call.h"

namespace mms::maxcompute {
namespace {

class NoRows : public BatchSource {
 public:
  Result<std::shared_ptr<arrow::RecordBatch>> Next() override {
    return std::shared_ptr<arrow::RecordBatch>();
  }
};

}  // namespace

Result<CodecProbe> ProbeCodec(Tunnel& tunnel, const Tunnel::Target& target, Codec wanted) {
  if (wanted == Codec::kRaw) return CodecProbe{};
  Tunnel::UploadOptions options;
  options.overwrite = false;  // so that even a commit by mistake would change nothing
  TRY(const UploadSession session, tunnel.CreateUpload(target, options));
  const std::string prefix =
      "the service does not take " + std::string(CodecName(wanted)) + " blocks: ";
  const Tunnel::Block blocks[] = {{0, BlockForm::kArrow, wanted}, {1, BlockForm::kRecord, wanted}};
  for (const Tunnel::Block& block : blocks) {
    TRY_VOID(AwaitTurn(tunnel.client(), Limit::kBlocks, target.table));
    const Result<BlockResult> sent = Retry(tunnel.client().options().retry, [&] {
      NoRows none;
      return tunnel.PutBlock(target, session.id, block, none);
    });
    if (sent) continue;
    if (sent.error().kind() == ErrorKind::kCancelled) return sent.error();
    return CodecProbe{Codec::kRaw, prefix + sent.error().ToString()};
  }
  TRY(const UploadSession seen, tunnel.FetchUpload(target, session.id));
  if (seen.blocks.size() == std::size(blocks)) return CodecProbe{wanted, ""};
  return CodecProbe{Codec::kRaw, prefix + "it takes and forgets them"};
}

}  // namespace mms::maxcompute
