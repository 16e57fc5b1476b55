#include "clients/maxcompute/probe.h"

#include <arrow/record_batch.h>

namespace mms::maxcompute {
namespace {

class NoRows : public BatchSource {
 public:
  Result<std::shared_ptr<arrow::RecordBatch>> Next() override {
    return std::shared_ptr<arrow::RecordBatch>();
  }
};

}  // namespace

Result<CodecProbe> ProbeCodec(Tunnel& tunnel, const Tunnel::Target& target, Codec wanted,
                              BlockForm form) {
  if (wanted == Codec::kRaw) return CodecProbe{};
  Tunnel::UploadOptions options;
  options.overwrite = false;  // so that even a commit by mistake would change nothing
  TRY(const UploadSession session, tunnel.CreateUpload(target, options));
  Tunnel::Block block;
  block.form = form;
  block.codec = wanted;
  const std::string prefix =
      "the service does not take " + std::string(CodecName(wanted)) + " blocks: ";
  const Result<BlockResult> sent = Retry(tunnel.client().options().retry, [&] {
    NoRows none;
    return tunnel.PutBlock(target, session.id, block, none);
  });
  if (!sent) {
    if (sent.error().kind() == ErrorKind::kCancelled) return sent.error();
    return CodecProbe{Codec::kRaw, prefix + sent.error().ToString()};
  }
  TRY(const UploadSession seen, tunnel.FetchUpload(target, session.id));
  if (seen.blocks.empty()) return CodecProbe{Codec::kRaw, prefix + "it takes and forgets them"};
  return CodecProbe{wanted, ""};
}

}  // namespace mms::maxcompute
